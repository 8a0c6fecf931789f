"""A foreign token classifier made a model of Posner's, for all that only those can: ONNX, 8 bits,
calibration, further training.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from posner.errors import ModelError
from posner.folder import Manifest, find_model
from posner.foreign.folder import is_foreign
from posner.foreign.load import ForeignModel, classifier_name, fill_head, read_foreign
from posner.model.backbone import encoder_config, encoder_from_config
from posner.model.merge import refuse_other
from posner.model.network import Network, build_network
from posner.model.saved import save_network

_CLOSE = 1e-4
"""How far logits may be apart that are the same sums in another order."""


def adopt_model(path: Path, out: Path, *, force: bool = False) -> Manifest:
    """Write a foreign token classifier as a model folder of Posner's.

    Args:
        path: a folder that transformers saved.
        out: the model folder to make.
        force: replace a model that stands there.

    Returns:
        What the new model says of itself.

    Raises:
        ModelError: it is no foreign token classifier, or more than an encoder with a linear layer;
            or `out` holds something that is no model.
        DataError: `out` holds a model and `force` is off, or it cannot be written.
    """
    if not is_foreign(path):
        raise ModelError("not a model that transformers saved", where=path, expected="config.json")
    refuse_other(out, force=force)
    foreign = read_foreign(path)
    network = own_network(foreign)
    save_network(out, network, foreign.manifest(), foreign.tokenizer())
    return foreign.manifest()


@contextmanager
def own_folder(path: Path) -> Iterator[Path]:
    """The model folder at a path; of a foreign model one that lasts as long as the block.

    Raises:
        ModelError: there is no model, or a foreign one that cannot be adopted.
    """
    if not is_foreign(path):
        yield find_model(path)
        return
    with tempfile.TemporaryDirectory() as scratch:
        adopt_model(path, Path(scratch) / "model")
        yield Path(scratch) / "model"


def own_network(foreign: ForeignModel) -> Network:
    """A network that can be saved: the encoder of the model alone, and its layer as our head.

    Raises:
        ModelError: the model is more than these two, so that their logits are not its own.
    """
    layer = cast(nn.Linear, foreign.model.get_submodule(classifier_name(foreign)))
    base = getattr(foreign.model, str(foreign.model.base_model_prefix), None)
    if not isinstance(base, nn.Module):
        raise _more_than_plain(foreign)
    encoder = encoder_from_config(encoder_config(base))
    wanted = encoder.state_dict().keys()
    try:
        encoder.load_state_dict({k: v for k, v in base.state_dict().items() if k in wanted})
    except RuntimeError as error:
        raise _more_than_plain(foreign) from error
    network = build_network(encoder, foreign.manifest()).eval().requires_grad_(False)
    fill_head(network, layer, foreign.tags)
    pieces = torch.arange(min(16, foreign.window)).unsqueeze(0)
    with torch.inference_mode():
        theirs: Tensor = foreign.model(input_ids=pieces).logits
        ours = layer(encoder(input_ids=pieces)[0])
    if float((theirs - ours).abs().max()) > _CLOSE:
        raise _more_than_plain(foreign)
    return network


def _more_than_plain(foreign: ForeignModel) -> ModelError:
    return ModelError(
        "more than an encoder with a linear layer, so it cannot become a model of Posner's",
        where=foreign.folder,
        remedy="run it where it stands: every command that runs models takes its folder",
    )
