# syntax=docker/dockerfile:1
# Two images of the gateway, without torch and without a compiler:
#
#   docker build --target cpu  -t sonoveil:cpu  .
#   docker build --target cuda -t sonoveil:cuda .      (run it with --gpus all)
#
# With video (MPEG-2, H.264, HEVC): --build-arg VIDEO=1. Not by default, because PyAV's wheel carries GPL encoders.
#
# The configuration is mounted at /etc/sonoveil/gateway.yaml, the key beside it; everything the node keeps is in the
# volume /var/lib/sonoveil. Both must belong to user 10001.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
# onnxruntime-gpu 1.31 from PyPI is built for CUDA 13 and cuDNN 9: change the two together. The base image brings CUDA, so
# the extra `gpu`, which brings it by pip, is not asked for.
ARG CUDA_IMAGE=nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04
ARG ONNXRUNTIME_GPU=1.31.1
ARG UV=0.13.8

# ---- cpu ---------------------------------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS cpu-build
ARG UV
ARG VIDEO
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1
RUN python -m venv /opt/uv \
 && /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check "uv==${UV}" \
 && python -m venv --without-pip /opt/sonoveil
WORKDIR /src
# Dependencies first: they change less often than the code, and the layer is kept.
COPY pyproject.toml constraints.txt ./
RUN /opt/uv/bin/uv pip install --python /opt/sonoveil/bin/python -c constraints.txt --extra cpu ${VIDEO:+--extra video} -r pyproject.toml
COPY README.md LICENSE ./
COPY config config
COPY models models
COPY pipeline pipeline
COPY gateway gateway
RUN /opt/uv/bin/uv pip install --python /opt/sonoveil/bin/python --no-deps . \
 && /opt/uv/bin/uv pip check --python /opt/sonoveil/bin/python \
 && /opt/sonoveil/bin/sonoveil models verify

FROM ${PYTHON_IMAGE} AS cpu
# libturbojpeg: a redacted JPEG stays JPEG. Its version follows the base image's archive, which keeps only the newest.
# hadolint ignore=DL3008
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libturbojpeg0 \
 && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 sonoveil \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/sonoveil --shell /usr/sbin/nologin sonoveil \
 && install -d -o sonoveil -g sonoveil -m 0700 /var/lib/sonoveil /etc/sonoveil /etc/sonoveil/secrets
COPY --from=cpu-build /opt/sonoveil /opt/sonoveil
ENV PATH=/opt/sonoveil/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/sonoveil
VOLUME /var/lib/sonoveil
EXPOSE 11112 9108
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9108/healthz', timeout=4)"]
ENTRYPOINT ["sonoveil"]
CMD ["serve", "-c", "/etc/sonoveil/gateway.yaml"]

# ---- cuda --------------------------------------------------------------------------------------------------------
FROM ${CUDA_IMAGE} AS cuda-base
# Ubuntu 24.04 brings Python 3.12. Its version follows the base image's archive, which keeps only the newest.
# hadolint ignore=DL3008
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 python3-venv libturbojpeg \
 && rm -rf /var/lib/apt/lists/*

FROM cuda-base AS cuda-build
ARG UV
ARG VIDEO
ARG ONNXRUNTIME_GPU
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1
RUN python3 -m venv /opt/uv \
 && /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check "uv==${UV}" \
 && python3 -m venv --without-pip /opt/sonoveil
WORKDIR /src
COPY pyproject.toml constraints.txt ./
RUN /opt/uv/bin/uv pip install --python /opt/sonoveil/bin/python -c constraints.txt ${VIDEO:+--extra video} -r pyproject.toml \
      "onnxruntime-gpu==${ONNXRUNTIME_GPU}"
COPY README.md LICENSE ./
COPY config config
COPY models models
COPY pipeline pipeline
COPY gateway gateway
RUN /opt/uv/bin/uv pip install --python /opt/sonoveil/bin/python --no-deps . \
 && /opt/uv/bin/uv pip check --python /opt/sonoveil/bin/python

FROM cuda-base AS cuda
RUN groupadd --gid 10001 sonoveil \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/sonoveil --shell /usr/sbin/nologin sonoveil \
 && install -d -o sonoveil -g sonoveil -m 0700 /var/lib/sonoveil /etc/sonoveil /etc/sonoveil/secrets
COPY --from=cuda-build /opt/sonoveil /opt/sonoveil
ENV PATH=/opt/sonoveil/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/sonoveil
VOLUME /var/lib/sonoveil
EXPOSE 11112 9108
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9108/healthz', timeout=4)"]
ENTRYPOINT ["sonoveil"]
CMD ["serve", "-c", "/etc/sonoveil/gateway.yaml"]
