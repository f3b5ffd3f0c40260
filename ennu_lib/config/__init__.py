"""Typed parameters: what a data team edits, checked before anything runs."""

from ennu_lib.config.places import params_dir, people_folder, project_root, reports_root, workspace_root
from ennu_lib.config.run_params import ReadingParams, RunParams, load_run, source_url
from ennu_lib.config.yaml_model import Strict, load_model, load_model_of_files, load_yaml

__all__ = [
    "ReadingParams",
    "RunParams",
    "Strict",
    "load_model",
    "load_model_of_files",
    "load_run",
    "load_yaml",
    "params_dir",
    "people_folder",
    "project_root",
    "reports_root",
    "source_url",
    "workspace_root",
]
