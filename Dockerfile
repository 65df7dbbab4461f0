# syntax=docker/dockerfile:1
# One image for all roles: `docker build --build-arg REVISION=$(git rev-parse HEAD) -t postern:dev .`

FROM rust:1.95-bookworm AS build
WORKDIR /postern
COPY . .
ARG REVISION=unknown
# Cargo's folders are caches that the next build finds again; the program is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/postern/target \
    POSTERN_REVISION="$REVISION" cargo build --locked --release --package postern --bin postern \
    && install -D target/release/postern /out/usr/local/bin/postern

# glibc as in bookworm, the roots for `wellKnownCACertificates: System`, no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Postern" \
      org.opencontainers.image.description="A Kubernetes gateway that originates TLS to its backends, fails closed, and says of every handshake how it ended and why." \
      org.opencontainers.image.source="https://github.com/postern-gateway/postern" \
      org.opencontainers.image.url="https://github.com/postern-gateway/postern" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.base.name="gcr.io/distroless/cc-debian12:nonroot"
COPY --from=build /out/ /
COPY LICENSE /usr/share/doc/postern/LICENSE
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/postern"]
