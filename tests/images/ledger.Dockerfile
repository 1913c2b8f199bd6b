# The programs that are built already, on what deploy/Dockerfile runs them on.
ARG RUNTIME
FROM ${RUNTIME}
COPY programs/ /usr/local/bin/
