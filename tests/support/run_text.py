"""The smallest run file, for tests that never open its source or its portal."""

RUN = """\
name: demo
environment: production
today: 2026-06-30
source: {url: "sqlite:///x"}
target: {url: "http://127.0.0.1:1"}
"""
