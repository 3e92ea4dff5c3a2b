# The image of one Crossdock: the product in a virtual environment from its lock, GraphiQL built in, and nothing else.
FROM python:3.11-slim-bookworm AS uv
WORKDIR /build
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1
COPY bootstrap.lock ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --target /opt/uv -r bootstrap.lock
ENV PATH=/opt/uv/bin:$PATH

FROM uv AS web
ENV VIRTUAL_ENV=/opt/web
COPY requirements-dev.lock ./
RUN uv venv /opt/web && uv pip sync --require-hashes requirements-dev.lock
ENV PATH=/opt/web/bin:$PATH
COPY server/graphiql/package.json server/graphiql/package-lock.json server/graphiql/.npmrc server/graphiql/
RUN npm ci --prefix server/graphiql
COPY server/graphiql server/graphiql
RUN npm run build --prefix server/graphiql

FROM uv AS product
ENV VIRTUAL_ENV=/opt/crossdock
COPY requirements.lock ./
RUN uv venv /opt/crossdock && uv pip sync --require-hashes requirements.lock
COPY . .
COPY --from=web /build/server/graphiql/dist server/graphiql/dist
RUN uv pip install --no-deps .

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin crossdock \
    && install --directory --owner=crossdock /var/lib/crossdock
COPY --from=product /opt/crossdock /opt/crossdock
ENV PATH=/opt/crossdock/bin:$PATH PYTHONDONTWRITEBYTECODE=1 CROSSDOCK_HOST=0.0.0.0 \
    CROSSDOCK_STORE__URL=sqlite:////var/lib/crossdock/crossdock.db \
    CROSSDOCK_DOWNLOADS__FOLDER=/var/lib/crossdock/documents
VOLUME /var/lib/crossdock
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["crossdock"]
CMD ["serve"]
