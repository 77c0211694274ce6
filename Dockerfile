# The EDMS with its backup system. One image for the web server, the Celery worker, Celery Beat and the agent:
# docker/entrypoint says which.

# Debian 13, whose own PostgreSQL client has the version of the server in docker-compose.yml. For an image that is the same
# to its last byte, name this one by its digest: --build-arg PYTHON_IMAGE=python@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim-trixie
ARG NODE_IMAGE=node:20-trixie-slim

# The files for browsers; Node stays in this stage.
FROM ${NODE_IMAGE} AS console
WORKDIR /app/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --ignore-scripts
COPY frontend ./
RUN npm run build

FROM ${PYTHON_IMAGE} AS application
ENV PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
# Wheels only, each with the hash in the lock: nothing is compiled, and nothing of theirs runs while it is installed.
COPY requirements/container.txt requirements/
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --disable-pip-version-check \
        --only-binary :all: --require-hashes --requirement requirements/container.txt
COPY backend backend
COPY docker docker
COPY --from=console /app/backend/apps/backup/static backend/apps/backup/static
# Settings need a home and a secret key; both are left behind in this stage. Beside each file that is handed out lies a
# compressed one for browsers that take it. Bytecode that is checked by hash and not by
# time is the same at every build.
RUN EDMS_HOME=/tmp/edms EDMS_STATIC_ROOT=/app/static /opt/venv/bin/python backend/manage.py collectstatic --no-input \
    && /opt/venv/bin/python -m whitenoise.compress --quiet /app/static \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode checked-hash /opt/venv/lib backend docker

FROM ${PYTHON_IMAGE}
# pg_dump cannot read a server that is newer than itself. Debian's own package is taken because it needs no further
# repository and no further key; a version that Debian does not have ends the build, not the backup at night.
ARG POSTGRESQL_MAJOR=17
# Debian's packages are not pinned: it drops the old version with each security fix, which is wanted here.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends "postgresql-client-${POSTGRESQL_MAJOR}" \
    && rm -rf /var/lib/apt/lists/* \
    && "/usr/lib/postgresql/${POSTGRESQL_MAJOR}/bin/pg_dump" --version

# Named volumes take owner and mode from the folders they are mounted on. EDMS_HOME is one volume as a whole, so that a
# restore can put the documents beside the live ones and rename them.
RUN groupadd --gid 10001 edms \
    && useradd --uid 10001 --gid edms --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin edms \
    && install --directory --owner edms --group edms --mode 0700 /srv/edms /srv/backups

ENV PATH=/opt/venv/bin:/app/docker/bin:/usr/lib/postgresql/${POSTGRESQL_MAJOR}/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/app/docker/site:/app/backend \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    DJANGO_SETTINGS_MODULE=config.settings \
    EDMS_HOME=/srv/edms \
    EDMS_STATIC_ROOT=/app/static \
    EDMS_LOG_LEVEL=INFO \
    BACKUP_STORAGE_ROOT=/srv/backups

# All of it belongs to root: what runs cannot change itself.
COPY --from=application /opt/venv /opt/venv
COPY --from=application /app /app

USER 10001:10001
WORKDIR /app/backend
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=15s --start-period=120s --retries=3 \
    CMD ["python", "/app/docker/healthcheck.py", "backend"]
ENTRYPOINT ["/app/docker/entrypoint"]
CMD ["backend"]
