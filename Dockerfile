# Stage 1 makes a self-contained environment with the web client in it; stage 2 holds that and the decoders' libraries.
FROM docker.io/library/python:3.11-slim-bookworm AS build
WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/ requirements/
RUN python3 -m venv /opt/traceward \
 && /opt/traceward/bin/pip install --require-hashes -r requirements/runtime.lock \
 && python3 -m venv /opt/tools \
 && /opt/tools/bin/pip install --require-hashes -r requirements/checkout.lock
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY web/ web/
COPY src/ src/
RUN /opt/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/traceward/bin/pip install --no-deps dist/*.whl

FROM docker.io/library/python:3.11-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends libdmtx0b libzbar0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin traceward \
 && install -d -o traceward -g traceward -m 0700 /data
COPY --from=build /opt/traceward /opt/traceward
ENV PATH=/opt/traceward/bin:$PATH PYTHONUNBUFFERED=1 TRACEWARD_DATA_DIR=/data
USER traceward
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=30s \
  CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
# Every address inside the container is behind whatever publishes its port: put TLS there. The first run writes the
# admin key to /data/admin-key instead of printing a set-up link that nobody could open.
CMD ["traceward", "serve", "--host", "0.0.0.0", "--port", "8000", "--behind-proxy", "--unattended"]
