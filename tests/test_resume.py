"""A run that was killed or stopped becomes the run that it would have been, bit for bit.

The processes that die are real ones: one that has imported everything forks a child for each
death, in which a function is replaced by one that sends the signal at a known step.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

import tiny
from posner.cli import main
from posner.errors import DataError
from posner.folder import read_manifest
from posner.recipe import TrainingRecipe
from posner.training.checkpoint import Checkpointer, Progress
from posner.training.hold import held
from posner.training.lines import append_lines
from posner.training.optimisation import Schedule
from posner.training.run import RunFolder, StepLine

# Everything that has a state of its own is on: members, dropout, average, plateau, clipping.
SETTINGS = {
    "training.epochs": "1",
    "training.members": "2",
    "training.patience": "2",
    "training.checkpoint-steps": "3",
    "training.ema": "0.9",
    "training.schedule": "plateau",
    "training.plateau-patience": "1",
    "training.batch-pieces": "96",
    "training.learning-rate": "1e-3",
    "training.head-learning-rate": "1e-2",
    "training.precision": "fp32",
    "training.device": "cpu",
    "attention.layers": "1",
    "attention.width": "16",
    "attention.heads": "2",
    "heads.entity": "crf",
    "data.pack": "40",
    "data.alone": "0.5",
    "training.mask": "0.1",
    "augment.mentions": "0.5",
    "augment.casing": "0.3",
}

DIE = """
import json, os, pathlib, pkgutil, signal, sys
import posner.training.train
from posner.cli import main

def die(death, arguments):
    owner = pkgutil.resolve_name("posner." + death["owner"])
    original = getattr(owner, death["call"])

    def dying(self, *arguments):
        if eval(death["when"]):
            os.kill(os.getpid(), getattr(signal, death["name"]))
        return original(self, *arguments)

    setattr(owner, death["call"], dying)
    return main(arguments)

deaths, arguments, resume = json.loads(sys.argv[1]), sys.argv[2:], []
checkpoints = pathlib.Path(arguments[arguments.index("--out") + 1], "checkpoints")
for death in deaths:
    child = os.fork()
    if child == 0:
        sys.stdout = sys.stderr
        os._exit(die(death, ["train", *arguments, *resume]))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps([status, [p.name for p in checkpoints.glob("step-*")]]), flush=True)
    resume = ["--resume"]
"""


@dataclass(frozen=True)
class Death:
    """A moment at which a process dies.

    Attributes:
        owner, call: the class or module and its function; the signal comes when it is called
        when: and this is true of its `self` (the first argument) and `arguments`.
        left: the step of the checkpoint that is left behind.
        name: the signal.
    """

    owner: str
    call: str
    when: str
    left: int | None
    name: str = "SIGKILL"

    @property
    def status(self) -> int:
        return -signal.SIGKILL if self.name == "SIGKILL" else 130


def deaths(epoch: int, total: int) -> list[Death]:
    """One after the other in the same run of `total` steps, `epoch` of them in its first epoch."""
    loop, done = "training.loop:Loop", "self.progress.step == {}"
    late = (epoch + 3) // 3 * 3
    return [
        # While the first checkpoint is written: there is none, and it starts again.
        Death("training.checkpoint:Checkpointer", "_save_own", "arguments[1].step == 3", None),
        # By Ctrl-C in mid-epoch, and by SIGTERM in the last step of an epoch.
        Death(loop, "_step", done.format(3), 4, "SIGINT"),
        Death(loop, "_step", done.format(epoch - 1), epoch, "SIGTERM"),
        # While the model is written; after its figures, but before their checkpoint.
        Death("model.saved", "seal", "True", epoch),
        Death(loop, "_checkpoint", "self.progress.epoch == 1", epoch),
        # Between two checkpoints in mid-epoch.
        Death(loop, "_step", done.format(late + 1), late),
        # With everything done, but before the run is called finished.
        Death(
            "training.run:RunFolder",
            "write_record",
            "arguments[0]['state'] == 'finished'",
            total,
        ),
    ]


@dataclass(frozen=True)
class Toy:
    """Files to train on, and the run that nobody interrupted."""

    flags: list[str]
    whole: Path
    epoch: int
    total: int
    lexicon: Path


@pytest.fixture(scope="module")
def toy(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Toy:
    folder = tmp_path_factory.mktemp("resume")
    train = tiny.save_corpus(folder / "train.conll", 6)
    dev = tiny.save_corpus(folder / "dev.conll", 2, first=8)
    flags = [str(train), "--dev", str(dev), "--backbone.name", str(bert)]
    flags += [part for key, value in SETTINGS.items() for part in (f"--{key}", value)]
    lexicon = folder / "lexicon.txt"
    lexicon.write_text("PER\tGil Thorne\nORG\tHarrow & Daughters\n")
    flags += ["--augment.lexicon", str(lexicon)]
    whole = folder / "whole"
    assert main(["train", *flags, "--out", str(whole)]) == 0
    epoch, total = (int(line["step"]) for line in metrics(whole))
    assert epoch >= 6  # room for every death above
    return Toy(flags, whole, epoch, total, lexicon)


def metrics(run: Path) -> list[dict[str, float]]:
    """The lines of `metrics.jsonl` without what a clock says."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    clock = ("seconds", "pieces_per_second")
    return [{k: v for k, v in line.items() if k not in clock} for line in lines]


def die(toy: Toy, run: Path, deaths: Iterable[Death]) -> None:
    """Let a run die of each, one after the other, and see what each leaves behind."""
    listed = list(deaths)
    plan = json.dumps([asdict(death) for death in listed])
    done = subprocess.run(
        [sys.executable, "-c", DIE, plan, *toy.flags, "--out", str(run)],
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr[-2000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found == [
        [death.status, [] if death.left is None else [f"step-{death.left:08d}"]] for death in listed
    ]


def assert_same(run: Path, whole: Path) -> None:
    assert metrics(run) == metrics(whole)
    assert (run / "steps.jsonl").read_text() == (whole / "steps.jsonl").read_text()
    first, second = (load_file(path / "model" / "model.safetensors") for path in (run, whole))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert {p.name for p in run.iterdir()} == {p.name for p in whole.iterdir()}
    assert json.loads((run / "run.json").read_text())["state"] == "finished"


@pytest.mark.slow
def test_a_run_that_died_again_and_again_is_the_run_that_never_did(
    toy: Toy, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    die(toy, run, deaths(toy.epoch, toy.total))
    assert main(["train", *toy.flags, "--out", str(run), "--resume"]) == 0
    assert_same(run, toy.whole)


@pytest.mark.parametrize("how", ["--resume", "--force"])
def test_two_processes_do_not_train_into_one_folder(
    toy: Toy, tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(toy.whole, run)
    before = sorted(run.rglob("*"))
    with held(run):
        assert main(["train", *toy.flags, "--out", str(run), how]) == 1
    assert "another process trains into it now" in capsys.readouterr().err
    assert sorted(run.rglob("*")) == before
    (run / ".lock").touch()  # what a killed process leaves holds nobody up
    with held(run):
        pass
    assert sorted(run.rglob("*")) == before


def test_a_finished_run_stays_as_it_is(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {p: p.read_bytes() for p in toy.whole.rglob("*") if p.is_file()}
    figures = tmp_path / "figures.json"
    flags = [*toy.flags, "--out", str(toy.whole), "--resume", "--json", str(figures)]
    assert main(["train", *flags]) == 0
    assert "finished already" in capsys.readouterr().out
    assert {p: p.read_bytes() for p in toy.whole.rglob("*") if p.is_file()} == before
    dev = read_manifest(toy.whole / "model").figures["dev"]
    assert json.loads(figures.read_text())["strict"]["micro"]["f1"] == dev["strict"]["micro"]["f1"]


def test_ctrl_c_after_the_last_step_is_met(
    toy: Toy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write = RunFolder.write_record

    def interrupted(self: RunFolder, record: dict[str, Any]) -> None:
        write(self, record)
        if record["state"] == "finished":
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_record", interrupted)
        assert main(["train", *toy.flags, "--out", str(tmp_path / "run")]) == 130
    assert "stopped when all was done; go on with the same command" in capsys.readouterr().err
    assert_same(tmp_path / "run", toy.whole)
    assert main(["train", *toy.flags, "--out", str(tmp_path / "run"), "--resume"]) == 0


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--training.seed", "2"], "training.seed"),
        (["--training.epochs", "9"], "training.epochs"),
        (["--data.context", "8"], "data.context"),
    ],
)
def test_other_settings_are_refused_by_name(
    toy: Toy, flags: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *toy.flags, "--out", str(toy.whole), "--resume", *flags]) == 1
    assert told in capsys.readouterr().err


def test_other_data_are_refused(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tiny.save_corpus(tmp_path / "other.conll", 5)
    flags = [str(other), *toy.flags[1:], "--out", str(toy.whole), "--resume"]
    assert main(["train", *flags]) == 1
    assert "the run was begun with another training corpus" in capsys.readouterr().err
    flags = [*toy.flags[:2], str(other), *toy.flags[3:], "--out", str(toy.whole), "--resume"]
    assert main(["train", *flags]) == 1
    told = capsys.readouterr().err
    assert "the run was begun with another dev set (expected sha256 " in told


def test_a_run_that_an_older_version_began_is_refused(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(toy.whole, tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    del record["data"]["fingerprints"]
    (run / "run.json").write_text(json.dumps(record))
    assert main(["train", *toy.flags, "--out", str(run), "--resume"]) == 1
    assert "the run was begun by an older Posner" in capsys.readouterr().err


def test_another_lexicon_is_refused(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    text = toy.lexicon.read_text()
    toy.lexicon.write_text(text + "LOC\tEastmere\n")
    assert main(["train", *toy.flags, "--out", str(toy.whole), "--resume"]) == 1
    toy.lexicon.write_text(text)
    assert "the run was begun with another lexicon (augment.lexicon)" in capsys.readouterr().err


def test_nothing_to_resume_is_told(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *toy.flags, "--out", str(tmp_path / "none"), "--resume"]) == 1
    assert "no run to resume" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_a_damaged_checkpoint_is_told(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    death = Death("training.loop:Loop", "_step", "self.progress.step == 4", 3)
    die(toy, run, [death])
    sound = tmp_path / "sound"
    shutil.copytree(run, sound)
    for file in sorted(p.name for p in (run / "checkpoints" / "step-00000003").iterdir()):
        shutil.rmtree(run)
        shutil.copytree(sound, run)
        (run / "checkpoints" / "step-00000003" / file).write_bytes(b"broken")
        assert main(["train", *toy.flags, "--out", str(run), "--resume"]) == 1, file
        told = capsys.readouterr().err
        assert "damaged checkpoint" in told or "could not be restored" in told, file


@pytest.fixture
def checkpointer(tmp_path: Path) -> Checkpointer:
    accelerator = Accelerator(cpu=True)
    network = torch.nn.Linear(2, 2)
    accelerator.prepare(network, torch.optim.AdamW(network.parameters()))
    return Checkpointer(
        tmp_path / "checkpoints", accelerator, Schedule.of(TrainingRecipe(), [9]), None, None
    )


def full_disk(*_: object, **__: object) -> None:
    """What torch says of a disk without room."""
    raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 896 vs 784")


@pytest.mark.parametrize("part", ["save_state", "the run's own"])
def test_a_disk_without_room_is_told_and_the_checkpoint_before_stays(
    checkpointer: Checkpointer, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    checkpointer.save(Progress(step=3))
    with monkeypatch.context() as patch:
        if part == "save_state":
            patch.setattr(checkpointer.accelerator, "save_state", full_disk)
        else:
            patch.setattr(Checkpointer, "_save_own", full_disk)
        with pytest.raises(DataError, match=r"cannot be written, with [\d,]+ MB free \(got"):
            checkpointer.save(Progress(step=6))
    assert [p.name for p in checkpointer.folder.iterdir()] == ["step-00000003"]
    latest = checkpointer.latest()
    assert latest is not None
    assert checkpointer.restore(latest).step == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_a_line_that_does_not_fit_is_told() -> None:
    with pytest.raises(DataError, match=r"/dev/full: cannot be written \(got No space left"):
        append_lines(Path("/dev/full"), [StepLine(1, 0.5, 1e-3)])


@pytest.mark.parametrize("moment", ["before it is named", "before the old ones go", None])
def test_a_checkpoint_of_the_same_step_never_endangers_the_one_before(
    checkpointer: Checkpointer, monkeypatch: pytest.MonkeyPatch, moment: str | None
) -> None:
    # A run that was stopped at the end of an epoch writes the next one after its evaluation.
    checkpointer.save(Progress(step=3, step_in_epoch=3))
    sound = checkpointer.latest()
    assert sound is not None

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    def remove(path: Path, **_: object) -> None:
        if path.name.startswith("step-"):
            killed()

    with monkeypatch.context() as patch:
        if moment == "before it is named":
            patch.setattr(Path, "rename", killed)
        elif moment:
            patch.setattr(shutil, "rmtree", remove)
        with contextlib.nullcontext() if moment is None else pytest.raises(KeyboardInterrupt):
            checkpointer.save(Progress(epoch=1, step=3))
    latest = checkpointer.latest()
    assert latest is not None
    assert checkpointer.restore(latest).epoch == (0 if moment == "before it is named" else 1)
    # Whatever was left lies behind the next one.
    checkpointer.save(Progress(epoch=1, step=4))
    assert [p.name for p in checkpointer.folder.iterdir()] == ["step-00000004"]
