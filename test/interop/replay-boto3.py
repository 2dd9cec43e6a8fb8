"""Replays the guide's programming samples, P01 to P22 (spec 08), with Debian's boto3 in one process.

Takes endpoint, credentials and Region from AWS_…; ENDPOINT is read because this boto3 is older than AWS_ENDPOINT_URL_KMS.
Writes one JSON object a sample: {"sample", "failure"}, failure null or a traceback; then {"operations"}: what KMS was asked for.
"""

import json
import os
import re
import traceback

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["ENDPOINT"]
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1})
ACCOUNT = "111122223333"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
REGION = os.environ["AWS_DEFAULT_REGION"]
TEN = bytes([1, 2, 3, 4, 5, 6, 7, 8, 9, 0])
HEX_64 = re.compile(r"[0-9a-f]{64}")
# Errors that KMS answers but its model doesn't have, so that boto3 makes no class of them.
NOT_MODELLED = ("AccessDeniedException", "NotAuthorizedException", "ValidationException")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

called = set()
samples = []


def client(service, credentials=None, region=None):
    keys = credentials and {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials.get("SessionToken"),
    }
    made = boto3.client(service, endpoint_url=ENDPOINT, config=ONCE, region_name=region, **(keys or {}))
    made.meta.events.register("before-call.kms.*", lambda model, **_: called.add(model.name))
    return made


kms = client("kms")


def sample(step):
    samples.append(step)
    return step


def equal(seen, expected):
    assert seen == expected, f"{seen!r} is not {expected!r}"


def answer(response, *members):
    """The members of an answer, which are these, and its request id is AWS's kind."""
    metadata = response["ResponseMetadata"]
    equal((metadata["HTTPStatusCode"], metadata["RetryAttempts"]), (200, 0))
    assert UUID.fullmatch(metadata["RequestId"]), metadata
    rest = {name: value for name, value in response.items() if name != "ResponseMetadata"}
    equal(sorted(rest), sorted(members))
    return rest


def refused(code, call, **parameters):
    """The error of a call, by the class of its own that boto3 makes where KMS's model has one."""
    try:
        call(**parameters)
    except ClientError as error:
        equal((error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]), (code, 400))
        equal(type(error).__name__, "ClientError" if code in NOT_MODELLED else code)
        return error.response["Error"]["Message"]
    raise AssertionError(f"nothing refused, but {code} expected of {parameters}")


def identifier(arn):
    return arn.split("/")[1]


def grants(**filters):
    return [grant["GrantId"] for grant in kms.list_grants(KeyId=k1, **filters)["Grants"]]


def aliases(key):
    return [(entry["AliasName"], entry["TargetKeyId"]) for entry in kms.list_aliases(KeyId=key)["Aliases"]]


def worker_of(iam):
    """A client with a session of the role Worker, to which nothing is allowed; and the role's ARN."""
    trust = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="Worker", AssumeRolePolicyDocument=document([trust]))["Role"]["Arn"]
    iam.create_role(RoleName="Another", AssumeRolePolicyDocument=document([trust]))
    iam.create_user(UserName="runner")
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
    iam.put_user_policy(UserName="runner", PolicyName="run", PolicyDocument=document([allowed]))
    runner = iam.create_access_key(UserName="runner")["AccessKey"]
    session = client("sts", runner).assume_role(RoleArn=role, RoleSessionName="replay")
    return client("kms", session["Credentials"]), role


def document(statements, **rest):
    return json.dumps({"Version": "2012-10-17", **rest, "Statement": statements})


def statement(principal, action, sid="Enable IAM User Permissions"):
    return {"Sid": sid, "Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": "*"}


worker, WORKER = worker_of(client("iam"))
ANOTHER = WORKER.replace("Worker", "Another")
k1 = k2 = b2 = grant = None
NAME = "alias/replayKey1"


@sample
def P01_CreateKey():
    global k1, k2
    made = answer(kms.create_key(Description="Ledger key"), "KeyMetadata")["KeyMetadata"]
    k1 = made["Arn"]
    assert UUID.fullmatch(made["KeyId"]), made
    assert made["CreationDate"].tzinfo is not None
    assert HEX_64.fullmatch(made.pop("CurrentKeyMaterialId", "0" * 64))  # this boto3 may not know it
    del made["CreationDate"]
    equal(made, {
        "AWSAccountId": ACCOUNT, "KeyId": identifier(k1), "Arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{identifier(k1)}",
        "Enabled": True, "Description": "Ledger key", "KeyUsage": "ENCRYPT_DECRYPT", "KeyState": "Enabled",
        "Origin": "AWS_KMS", "KeyManager": "CUSTOMER", "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT", "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"], "MultiRegion": False,
    })
    equal(aliases(k1), [])
    k2 = kms.create_key(Description="Ledger key")["KeyMetadata"]["Arn"]
    assert k1 != k2


@sample
def P02_GenerateDataKey():
    made = answer(kms.generate_data_key(KeyId=k1, KeySpec="AES_256"), "CiphertextBlob", "Plaintext", "KeyId")
    equal((len(made["Plaintext"]), made["KeyId"]), (32, k1))
    equal(kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"], made["Plaintext"])
    equal(len(kms.generate_data_key(KeyId=k1, KeySpec="AES_128")["Plaintext"]), 16)
    for count in (1, 1024):
        equal(len(kms.generate_data_key(KeyId=k1, NumberOfBytes=count)["Plaintext"]), count)
    assert kms.generate_data_key(KeyId=k1, KeySpec="AES_256")["Plaintext"] != made["Plaintext"]
    refused("ValidationException", kms.generate_data_key, KeyId=k1)
    refused("ValidationException", kms.generate_data_key, KeyId=k1, KeySpec="AES_256", NumberOfBytes=32)
    refused("ValidationException", kms.generate_data_key, KeyId=k1, NumberOfBytes=1025)
    mac = kms.create_key(KeyUsage="GENERATE_VERIFY_MAC", KeySpec="HMAC_256")["KeyMetadata"]["Arn"]
    refused("InvalidKeyUsageException", kms.generate_data_key, KeyId=mac, KeySpec="AES_256")


@sample
def P03_DescribeKey():
    kms.create_alias(AliasName="alias/described", TargetKeyId=k1)
    alias_arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/described"
    described = [answer(kms.describe_key(KeyId=name), "KeyMetadata") for name in (k1, identifier(k1), "alias/described", alias_arn)]
    for one in described:
        equal(one, described[0])
    equal(described[0]["KeyMetadata"]["Arn"], k1)
    kms.delete_alias(AliasName="alias/described")
    message = refused("NotFoundException", kms.describe_key, KeyId="00000000-0000-4000-8000-000000000000")
    equal(message, f"Key 'arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-4000-8000-000000000000' does not exist")


@sample
def P04_ListKeys():
    away = client("kms", region="eu-north-1")
    made = {away.create_key()["KeyMetadata"]["Arn"] for _ in range(25)}
    pages, marker = [], {}
    while True:
        page = away.list_keys(Limit=10, **marker)
        pages.append(page["Keys"])
        if not page["Truncated"]:
            break
        marker = {"Marker": page["NextMarker"]}
    assert "NextMarker" not in page
    equal([len(keys) for keys in pages], [10, 10, 5])
    equal({key["KeyArn"] for keys in pages for key in keys}, made)
    paginated = away.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 7}).search("Keys[].KeyId")
    equal(sorted(paginated), sorted(map(identifier, made)))
    refused("ValidationException", away.list_keys, Limit=1001)
    refused("InvalidMarkerException", away.list_keys, Marker="garbage")


@sample
def P12_Encrypt():
    global b2
    made = answer(kms.encrypt(KeyId=k1, Plaintext=TEN), "CiphertextBlob", "KeyId", "EncryptionAlgorithm")
    b2 = made["CiphertextBlob"]
    equal((made["KeyId"], made["EncryptionAlgorithm"]), (k1, "SYMMETRIC_DEFAULT"))
    assert kms.encrypt(KeyId=k1, Plaintext=TEN)["CiphertextBlob"] != b2
    assert len(kms.encrypt(KeyId=k1, Plaintext=bytes(4096))["CiphertextBlob"]) <= 6144
    refused("ValidationException", kms.encrypt, KeyId=k1, Plaintext=bytes(4097))


@sample
def P13_Decrypt():
    opened = answer(kms.decrypt(CiphertextBlob=b2), "Plaintext", "KeyId", "EncryptionAlgorithm")
    equal((opened["Plaintext"], opened["KeyId"]), (TEN, k1))
    equal(kms.decrypt(CiphertextBlob=b2, KeyId=identifier(k1))["Plaintext"], TEN)
    refused("IncorrectKeyException", kms.decrypt, CiphertextBlob=b2, KeyId=k2)
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=b2[:-1] + bytes([b2[-1] ^ 1]))
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=b2, EncryptionContext={"a": "b"})
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=b"Salted__of another library")


@sample
def P14_ReEncrypt():
    moved = answer(
        kms.re_encrypt(CiphertextBlob=b2, SourceKeyId=k1, DestinationKeyId=k2),
        "CiphertextBlob", "SourceKeyId", "KeyId", "SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm",
    )
    equal((moved["SourceKeyId"], moved["KeyId"]), (k1, k2))
    equal(kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], KeyId=k2)["Plaintext"], TEN)
    refused("IncorrectKeyException", kms.decrypt, CiphertextBlob=moved["CiphertextBlob"], KeyId=k1)
    refused("IncorrectKeyException", kms.re_encrypt, CiphertextBlob=b2, SourceKeyId=k2, DestinationKeyId=k2)


@sample
def P06_DisableKey():
    for _ in range(2):
        answer(kms.disable_key(KeyId=k1))
    equal(refused("DisabledException", kms.decrypt, CiphertextBlob=b2), f"{k1} is disabled.")
    refused("DisabledException", kms.encrypt, KeyId=k1, Plaintext=TEN)
    refused("DisabledException", kms.generate_data_key, KeyId=k1, KeySpec="AES_256")
    described = kms.describe_key(KeyId=k1)["KeyMetadata"]
    equal((described["KeyState"], described["Enabled"]), ("Disabled", False))


@sample
def P05_EnableKey():
    for _ in range(2):
        answer(kms.enable_key(KeyId=k1))
    equal(kms.decrypt(CiphertextBlob=b2)["Plaintext"], TEN)


@sample
def P07_CreateAlias():
    answer(kms.create_alias(AliasName=NAME, TargetKeyId=k1))
    refused("AlreadyExistsException", kms.create_alias, AliasName=NAME, TargetKeyId=k1)
    refused("NotAuthorizedException", kms.create_alias, AliasName="alias/aws/mine", TargetKeyId=k1)
    refused("ValidationException", kms.create_alias, AliasName="mine", TargetKeyId=k1)
    equal(kms.encrypt(KeyId=NAME, Plaintext=TEN)["KeyId"], k1)


@sample
def P08_ListAliases():
    listed = answer(kms.list_aliases(Limit=10), "Aliases", "Truncated", "NextMarker")
    equal((len(listed["Aliases"]), listed["Truncated"]), (10, True))
    entries = [entry for page in kms.get_paginator("list_aliases").paginate() for entry in page["Aliases"]]
    mine = [entry for entry in entries if entry["AliasName"] == NAME]
    equal([entry["AliasArn"] for entry in mine], [f"arn:aws:kms:{REGION}:{ACCOUNT}:{NAME}"])
    assert any(entry["AliasName"].startswith("alias/aws/") and "TargetKeyId" not in entry for entry in entries)


@sample
def P09_ListAliases_of_one_key():
    equal(aliases(k1), [(NAME, identifier(k1))])
    refused("InvalidArnException", kms.list_aliases, KeyId=NAME)
    refused("NotFoundException", kms.list_aliases, KeyId="00000000-0000-4000-8000-000000000000")


@sample
def P10_UpdateAlias():
    answer(kms.update_alias(AliasName=NAME, TargetKeyId=k2))
    equal((aliases(k1), aliases(k2)), ([], [(NAME, identifier(k2))]))
    refused("NotFoundException", kms.update_alias, AliasName="alias/ReplayKey1", TargetKeyId=k2)


@sample
def P11_DeleteAlias():
    through = kms.encrypt(KeyId=NAME, Plaintext=TEN)["CiphertextBlob"]
    answer(kms.delete_alias(AliasName=NAME))
    equal(kms.describe_key(KeyId=k2)["KeyMetadata"]["KeyState"], "Enabled")
    equal(kms.decrypt(CiphertextBlob=through)["Plaintext"], TEN)
    refused("NotFoundException", kms.delete_alias, AliasName=NAME)


@sample
def P15_ListKeyPolicies():
    listed = answer(kms.list_key_policies(KeyId=k1), "PolicyNames", "Truncated")
    equal(listed, {"PolicyNames": ["default"], "Truncated": False})


def policy():
    return kms.get_key_policy(KeyId=k1, PolicyName="default")["Policy"]


@sample
def P16_GetKeyPolicy():
    equal(json.loads(policy()), json.loads(document([statement(ROOT, "kms:*")], Id="key-default-1")))
    refused("NotFoundException", kms.get_key_policy, KeyId=k1, PolicyName="other")


@sample
def P17_PutKeyPolicy():
    before = policy()
    use = ["kms:Encrypt*", "kms:GenerateDataKey*", "kms:Decrypt*", "kms:DescribeKey*", "kms:ReEncrypt*"]
    node = document([statement(ROOT, "kms:*"), statement(WORKER, use)], Id="custom-policy-2016-12-07")
    put = {"KeyId": k1, "PolicyName": "default"}
    refused("AccessDeniedException", worker.encrypt, KeyId=k1, Plaintext=TEN)
    answer(kms.put_key_policy(Policy=node, **put))
    equal(policy(), node)
    worker.encrypt(KeyId=k1, Plaintext=TEN)
    worker.generate_data_key_pair(KeyId=k1, KeyPairSpec="ECC_NIST_P256")
    refused("AccessDeniedException", worker.put_key_policy, Policy=before, **put)
    python = document([statement(WORKER, use, sid="Allow access for ExampleUser")])
    message = refused("MalformedPolicyDocumentException", kms.put_key_policy, Policy=python, **put)
    equal(message, "The new key policy will not allow you to update the key policy in the future.")
    equal(policy(), node)
    kms.put_key_policy(Policy=before, **put)
    equal(policy(), before)
    refused("AccessDeniedException", worker.encrypt, KeyId=k1, Plaintext=TEN)


@sample
def P18_CreateGrant():
    global grant
    wanted = {"KeyId": k1, "GranteePrincipal": WORKER, "Operations": ["GenerateDataKey"]}
    grant = answer(kms.create_grant(**wanted), "GrantId", "GrantToken")
    made = worker.generate_data_key(KeyId=k1, KeySpec="AES_256", GrantTokens=[grant["GrantToken"]])
    worker.generate_data_key(KeyId=k1, KeySpec="AES_256")
    refused(
        "AccessDeniedException", worker.decrypt, CiphertextBlob=made["CiphertextBlob"], GrantTokens=[grant["GrantToken"]]
    )
    named = [kms.create_grant(Name="one", **wanted) for _ in range(2)]
    equal(named[0]["GrantId"], named[1]["GrantId"])
    assert named[0]["GrantToken"] != named[1]["GrantToken"]
    kms.revoke_grant(KeyId=k1, GrantId=named[0]["GrantId"])
    equal(grants(), [grant["GrantId"]])


@sample
def P19_ListGrants():
    [entry] = answer(kms.list_grants(KeyId=k1, Limit=10), "Grants", "Truncated")["Grants"]
    del entry["CreationDate"]
    equal(entry.pop("Name", ""), "")
    equal(entry, {
        "KeyId": k1, "GrantId": grant["GrantId"], "GranteePrincipal": WORKER, "IssuingAccount": ROOT,
        "Operations": ["GenerateDataKey"],
    })
    more = [kms.create_grant(KeyId=k1, GranteePrincipal=ANOTHER, Operations=["Decrypt"])["GrantId"] for _ in range(11)]
    pages = kms.get_paginator("list_grants").paginate(KeyId=k1, PaginationConfig={"PageSize": 10})
    equal([len(page["Grants"]) for page in pages], [10, 2])
    equal(sorted(grants(GranteePrincipal=ANOTHER)), sorted(more))
    for made in more:
        kms.revoke_grant(KeyId=k1, GrantId=made)


@sample
def P20_ListGrants_filtered():
    equal(grants(GranteePrincipal=WORKER), [grant["GrantId"]])
    equal(grants(GranteePrincipal=ANOTHER), [])
    equal(grants(GrantId=grant["GrantId"]), [grant["GrantId"]])


@sample
def P21_RetireGrant():
    answer(kms.retire_grant(GrantToken=grant["GrantToken"]))
    equal(grants(), [])
    made = kms.create_grant(KeyId=k1, GranteePrincipal=WORKER, Operations=["GenerateDataKey"])["GrantId"]
    refused("InvalidArnException", kms.retire_grant, KeyId=identifier(k1), GrantId=made)
    answer(kms.retire_grant(KeyId=k1, GrantId=made))
    refused("ValidationException", kms.retire_grant)
    refused("InvalidGrantTokenException", kms.retire_grant, GrantToken="bad")


@sample
def P22_RevokeGrant():
    made = kms.create_grant(KeyId=k1, GranteePrincipal=WORKER, Operations=["GenerateDataKey"])["GrantId"]
    worker.generate_data_key(KeyId=k1, KeySpec="AES_256")
    answer(kms.revoke_grant(KeyId=k1, GrantId=made))
    refused("AccessDeniedException", worker.generate_data_key, KeyId=k1, KeySpec="AES_256")
    refused("NotFoundException", kms.revoke_grant, KeyId=k1, GrantId=made)


for step in samples:
    try:
        step()
        failure = None
    except Exception:  # whatever it is belongs in the report
        failure = traceback.format_exc()
    print(json.dumps({"sample": step.__name__.replace("_", " "), "failure": failure}), flush=True)
print(json.dumps({"operations": sorted(called)}))
