"""Runs `aws cloudtrail validate-logs` of Debian's AWS CLI with buckets that are folders: the CLI's own checks, on files.

Arguments: the folder of buckets, then those of `aws`. Its client of S3 is replaced, nothing else.
"""

import io
import json
import os
import sys

import awscli.clidriver
import awscli.customizations.cloudtrail.validation as validation
from botocore.exceptions import ClientError

METADATA = ".metadata.json"
folder = sys.argv[1]


class Keys:
    """What a paginator of ListObjects gives: the keys after a marker, in order."""

    def paginate(self, Bucket, Marker):
        bucket = os.path.join(folder, Bucket)
        paths = [os.path.join(place, name) for place, _, names in os.walk(bucket) for name in names]
        keys = sorted(os.path.relpath(path, bucket) for path in paths if not path.endswith(METADATA))
        return Found([key for key in keys if key > Marker])


class Found:
    def __init__(self, keys):
        self._keys = keys

    def search(self, _expression):
        return iter(self._keys)


class FolderClient:
    def get_paginator(self, _operation):
        return Keys()

    def get_object(self, Bucket, Key):
        path = os.path.join(folder, Bucket, Key)
        if not os.path.exists(path):
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "NoSuchKey"}}, "GetObject")
        metadata = {}
        if os.path.exists(path + METADATA):
            with open(path + METADATA, encoding="utf-8") as file:
                metadata = json.load(file)
        with open(path, "rb") as file:
            return {"Body": io.BytesIO(file.read()), "Metadata": metadata}


validation.S3ClientProvider.get_client = lambda _self, _bucket: FolderClient()
sys.argv = ["/usr/bin/aws", *sys.argv[2:]]
sys.exit(awscli.clidriver.main())
