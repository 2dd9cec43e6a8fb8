"""Runs command lines of Debian's AWS CLI, each in a fork of one process that has imported the CLI already.

Reads one JSON object a line: {"id", "args", "env", "directory"}; writes one for each command that ended, in the order of
their ends: {"id", "code", "stdout", "stderr"}, code null after a signal. A fork has its own environment, working directory
and output, an empty standard input, and ends with the code of /usr/bin/aws; what this saves is Python's start, the imports and the reading of models.
"""

import functools
import gc
import json
import os
import selectors
import sys

# As /usr/bin/aws begins; a command's own environment takes the place of this one before its `main`.
import awscli.clidriver
import awscli.handlers  # its plugins, which the CLI imports by name with each command
import botocore.loaders
import botocore.session


def warm():
    """Reads what every command reads and none changes: the descriptions of services, and what the user agent tells of the system."""
    botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)
    session = awscli.clidriver.create_clidriver().session
    loader = session.get_component("data_loader")
    loader.load_data("cli")
    for service in ["iam", "kms", "organizations", "service-quotas", "sts"]:
        session.get_service_model(service)
        session.get_paginator_model(service)
        if service in loader.list_available_services("waiters-2"):
            session.get_waiter_model(service)
        session.create_client(service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")


def run(command, stdout, stderr):
    """In the fork: becomes `aws` and never returns."""
    data_path = os.environ["AWS_DATA_PATH"]  # the import of awscli has set it
    os.environ.clear()
    os.environ.update(command["env"], AWS_DATA_PATH=data_path)
    os.chdir(command["directory"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    sys.argv = ["/usr/bin/aws", *command["args"]]
    try:
        code = awscli.clidriver.main()
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Python's own end would visit, and so copy, all memory that the fork shares


def text(descriptor):
    """What was written to a file in memory, which is closed."""
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        return file.read().decode("utf-8", "replace")


def serve():
    commands = os.fdopen(os.dup(0), "rb", buffering=0)
    selector = selectors.DefaultSelector()
    selector.register(commands, selectors.EVENT_READ)
    pending = b""
    while selector.get_map():
        for key, _ in selector.select():
            if key.fileobj is not commands:
                selector.unregister(key.fileobj)
                os.close(key.fileobj)
                identifier, child, stdout, stderr = key.data
                code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                answer = {"id": identifier, "code": code if code >= 0 else None, "stdout": text(stdout), "stderr": text(stderr)}
                print(json.dumps(answer), flush=True)
                continue
            received = commands.read(65536)
            if not received:  # the tests have ended; what they began may still end
                selector.unregister(commands)
                continue
            *lines, pending = (pending + received).split(b"\n")
            for line in lines:
                command = json.loads(line)
                stdout, stderr = os.memfd_create("stdout"), os.memfd_create("stderr")
                child = os.fork()
                if child == 0:
                    return run(command, stdout, stderr)
                selector.register(os.pidfd_open(child), selectors.EVENT_READ, (command["id"], child, stdout, stderr))


warm()
gc.freeze()  # forks share what is here instead of copying it as they collect
serve()
