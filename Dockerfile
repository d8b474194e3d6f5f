# OneCode: one process, no root, everything that must outlive it in /data.
FROM python:3.11-slim AS build
RUN pip install --no-cache-dir uv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/opt/onecode
WORKDIR /build
COPY pyproject.toml uv.lock README.md LICENSE alembic.ini ./
COPY migrations migrations
COPY app app
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home onecode && install -d -o onecode -g onecode /data
COPY --from=build /opt/onecode /opt/onecode
ENV PATH=/opt/onecode/bin:$PATH PYTHONUNBUFFERED=1 \
    ONECODE_DATABASE_URL=sqlite:////data/onecode.db \
    ONECODE_SECRET_FILE=/data/onecode.secret \
    ONECODE_FILES_DIR=/data/files
USER onecode
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["onecode", "serve", "--host", "0.0.0.0"]
