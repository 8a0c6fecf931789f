# The service alone: `posner[serve]` without torch, for models that ONNX Runtime runs.
#
#   docker build -t posner-serve .
#   docker run --rm -p 8000:8000 -e POSNER_API_KEY=... -v ./exported:/model:ro posner-serve
#
# The steps are also run without Docker, in a clean environment, by .ci/serve.sh.
FROM python:3.11-slim AS build
COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
RUN python -m venv /opt/posner \
    && /opt/posner/bin/pip install --no-cache-dir "/source[serve]"

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin posner \
    && install --directory --owner 10001 /data
COPY --from=build /opt/posner /opt/posner
# A number, so that who runs it can see that it is not root's.
USER 10001
ENV PATH=/opt/posner/bin:$PATH PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1 POSNER_HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --interval=10s --start-period=30s CMD \
    ["python", "-c", "import os, urllib.request as u; port = os.environ.get('POSNER_PORT', ''); \
    u.urlopen('http://127.0.0.1:' + (port if port.isdigit() else '8000') + '/readyz')"]
ENTRYPOINT ["posner", "serve"]
CMD ["/model"]
