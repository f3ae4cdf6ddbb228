# agentpool in a container: the server, the workers and the command line are one image.
#
#   docker build -t agentpool .
#
# It holds no agent program but the built-in demo. Add the ones you use in an image of your own:
#
#   FROM agentpool
#   USER root
#   RUN npm install -g @anthropic-ai/claude-code
#   USER 1000:1000
#
# Build that with `docker build -t my-agentpool ...` and name it to docker-compose: POOL_IMAGE=my-agentpool.
ARG BASE_IMAGE=node:22-bookworm-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Not `npm ci`: it refuses a lock file that lacks the optional packages of another platform. The locked versions and
# their checksums hold here too.
RUN npm install --no-save --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY scripts ./scripts
RUN npm run --silent build && chmod +x dist/cli/main.js && npm prune --no-save --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${BASE_IMAGE}
# NODE_ENV stays unset: the agent programs inherit the environment, and `npm install` of theirs would leave things out.
ENV HOME=/home/agentpool AGENTPOOL_HOME=/var/lib/agentpool
# A volume that is mounted here for the first time takes its owner from these directories.
# Agent programs leave orphans behind; as PID 1 tini waits for them, so that none stays as a zombie.
RUN command -v tini >/dev/null \
  || { apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*; } \
  || apk add --no-cache tini
RUN mkdir -p /home/agentpool /var/lib/agentpool /workspace \
  && chown 1000:1000 /home/agentpool /var/lib/agentpool /workspace \
  && ln -s /app/dist/cli/main.js /usr/local/bin/agentpool
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY scripts ./scripts
USER 1000:1000
EXPOSE 7333
ENTRYPOINT ["tini", "-s", "--", "node", "/app/dist/cli/main.js"]
