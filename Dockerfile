# One image for every process of the service; the command says which (docker-compose.yml).
# LOCKS names what it carries: add `models` to bring the three small models along (2 GB).
FROM python:3.11-slim AS build
ARG LOCKS="runtime local"
WORKDIR /app
COPY . .
RUN deploy/install-image.sh /opt/conclave ${LOCKS}

FROM python:3.11-slim
# The local engine is linked against libgomp, which the slim image leaves out.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --home-dir /var/lib/conclave conclave \
    && install --directory --owner=conclave --mode=0700 /var/lib/conclave /var/cache/conclave
COPY --from=build /opt/conclave /opt/conclave
COPY --from=build /app /app
ENV PATH=/opt/conclave/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CONCLAVE_HOME=/var/lib/conclave \
    CONCLAVE_CACHE=/var/cache/conclave \
    CONCLAVE_CONFIG=/app/conclave.yaml \
    CONCLAVE_HOST=0.0.0.0 \
    CONCLAVE_PORT=8080
WORKDIR /app
USER conclave
EXPOSE 8080
ENTRYPOINT ["conclave"]
CMD ["api"]
