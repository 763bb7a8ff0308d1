# Every target that is meant to be called has a line of help behind ##.
SHELL := bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# npm ci again when the lockfile is newer than what was installed from it.
node_modules/.package-lock.json: package-lock.json package.json
	@[ ! -L node_modules ] || { echo "node_modules is a link: npm would empty the folder behind it; remove the link" >&2; exit 2; }
	@command -v npm >/dev/null || { echo "npm is needed: install Node.js 20 or newer with npm" >&2; exit 2; }
	@echo "Installing Node packages from package-lock.json" >&2
	@npm ci --no-fund --no-audit --loglevel=error
	@touch $@

.PHONY: packages
packages: node_modules/.package-lock.json

.PHONY: demo
demo: packages ## show the product on a real cluster and a real Prometheus; DEMO=once ends by itself
	@test/demo/run.sh

.PHONY: test
test: packages ## run all tests, on a real cluster and a real Prometheus
	@test/run.sh

.PHONY: e2e
e2e: packages ## act on a real cluster, scenario by scenario, and print a table; KILLS=200 kills, STEADY=60 seconds without a write
	@KILLS="$(or $(KILLS),200)" STEADY="$(or $(STEADY),60)" test/acting/run.sh

.PHONY: bench
bench: packages ## measure against a real Prometheus and print one table with ratios; N=100,1000,5000 containers
	@node test/bench/bench.ts --containers "$(or $(N),1000)" $(BENCH)

.PHONY: test-unit
test-unit: packages ## run the tests that need nothing but Node
	@npm run -s test:unit

.PHONY: check
check: packages ## check generated files, types, lint, format, architecture and unused code
	@npm run -s check

.PHONY: generate
generate: packages ## write crds/ from src/api
	@npm run -s generate

.PHONY: format
format: packages ## format all files
	@prettier --write --log-level warn .

.PHONY: cluster
cluster: ## start a one-node Kubernetes to play with, until Ctrl-C
	@test/cluster/run.sh test/cluster/shell.sh

.PHONY: image
image: ## build the operator's image with docker: IMAGE=name:tag, BASE_IMAGE=node image
	docker build --file deploy/Dockerfile --tag "$(or $(IMAGE),rightsize:dev)" $(if $(BASE_IMAGE),--build-arg "BASE_IMAGE=$(BASE_IMAGE)") .

.PHONY: clean
clean: ## remove what was installed and built here; the cache of Kubernetes binaries stays
	rm -rf node_modules coverage dist
