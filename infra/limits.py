"""Measures what the template becomes against the limits of AWS.

SAM expands template.yaml as CloudFormation would, and each value that a policy holds is as long as a
deployment can make it: the names of stack, partition and region are the longest. The limits here leave
room below those of AWS, so that a route or a function more is no surprise of a deployment.
"""

import json
import logging
import os
import re
from pathlib import Path
from types import SimpleNamespace

from botocore.session import Session
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

POLICY_BYTES = 16 * 1024  # a function's resource policy; Lambda takes 20,480 bytes
STACK_RESOURCES = 400  # CloudFormation takes 500
API_RESOURCES = 250  # API Gateway takes 300

STACK_NAME = "s" * 60
ACCOUNT = "1" * 12
API_ID = "a" * 10
# CloudFormation ends the names that it makes so.
SUFFIX = "-" + "X" * 13
# Of a statement's id in a policy of Lambda.
ID_LENGTH = 100


def expand(template: Path) -> dict:
    """The resources that CloudFormation makes of a template, after the transform of SAM."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    logging.getLogger("samtranslator").setLevel(logging.CRITICAL)
    document = yaml_parse(template.read_text())
    # `sam deploy` puts an address in S3 here, and the transform takes nothing else.
    document["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = "s3://bucket/key"
    return transform(document, {}, SimpleNamespace(load=dict))["Resources"]


def of_type(resources: dict, kind: str) -> dict:
    return {name: r["Properties"] for name, r in resources.items() if r["Type"] == kind}


def longest_place() -> tuple[str, str]:
    """The partition and the region of AWS with the longest names."""
    session = Session()
    return max(
        (
            (partition, region)
            for partition in session.get_available_partitions()
            for region in session.get_available_regions("lambda", partition)
        ),
        key=lambda place: (len(place[1]), len(place[0]), place),
    )


class Longest:
    """Values of an expanded template in a deployment with the longest names."""

    def __init__(self, resources: dict):
        self.resources = resources
        self.partition, self.region = longest_place()
        self.pseudo = {
            "AWS::StackName": STACK_NAME,
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::AccountId": ACCOUNT,
        }

    def name(self, resource: str) -> str:
        """The name of a resource in AWS, as `Ref` gives it."""
        kind = self.resources[resource]["Type"]
        if kind == "AWS::ApiGateway::RestApi":
            return API_ID
        if kind == "AWS::Lambda::Function":
            return self.text(self.resources[resource]["Properties"]["FunctionName"])
        return f"{STACK_NAME}-{resource}{SUFFIX}"

    def arn(self, resource: str) -> str:
        kinds = {
            "AWS::Lambda::Function": ("lambda", "function:"),
            "AWS::Events::Rule": ("events", "rule/"),
        }
        service, kind = kinds[self.resources[resource]["Type"]]
        return f"arn:{self.partition}:{service}:{self.region}:{ACCOUNT}:{kind}{self.name(resource)}"

    def text(self, value) -> str:
        """A value of the template with its functions resolved."""
        if isinstance(value, str):
            return value
        ((function, argument),) = value.items()
        if function == "Ref":
            return self.pseudo.get(argument) or self.name(argument)
        if function == "Fn::GetAtt" and argument[1] == "Arn":
            return self.arn(argument[0])
        if function != "Fn::Sub":
            raise NotImplementedError(f"a policy with {value}")
        pattern, own = (argument, {}) if isinstance(argument, str) else argument

        def fill(match: re.Match) -> str:
            name, _, attribute = match[1].partition(".")
            if name in own:
                return self.text(own[name])
            return self.text({"Fn::GetAtt": [name, attribute]} if attribute else {"Ref": name})

        return re.sub(r"\$\{([^}]+)\}", fill, pattern)

    def policy(self, function: str) -> str:
        """The resource policy that Lambda keeps for a function, empty without a permission."""
        statements = [
            {
                "Sid": self.name(name)[:ID_LENGTH],
                "Effect": "Allow",
                "Principal": {"Service": permission["Principal"]},
                "Action": permission["Action"],
                "Resource": self.arn(function),
                "Condition": {"ArnLike": {"AWS:SourceArn": self.text(permission["SourceArn"])}},
            }
            for name, permission in of_type(self.resources, "AWS::Lambda::Permission").items()
            if permission["FunctionName"] == {"Ref": function}
        ]
        policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
        return json.dumps(policy, separators=(",", ":")) if statements else ""


def nodes(paths) -> set[str]:
    """The resources that API Gateway makes of paths: one for each part of each."""
    parts = [path.strip("/").split("/") for path in paths]
    return {"/"} | {"/" + "/".join(part[:n]) for part in parts for n in range(1, len(part) + 1)}


def measure(resources: dict) -> tuple[list[str], list[str]]:
    """The figures as lines, and a problem for each that is beyond its limit."""
    longest = Longest(resources)
    policies = {
        name.removesuffix("Function").lower(): len(longest.policy(name).encode())
        for name in of_type(resources, "AWS::Lambda::Function")
    }
    (api,) = of_type(resources, "AWS::ApiGateway::RestApi").values()
    in_api = len(nodes(api["Body"]["paths"]))
    problems = [
        f"{what}: {count} of {limit}"
        for what, count, limit in [
            *((f"bytes of the policy of {name}", size, POLICY_BYTES) for name, size in policies.items()),
            ("resources of the stack", len(resources), STACK_RESOURCES),
            ("resources of the API", in_api, API_RESOURCES),
        ]
        if count > limit
    ]
    sizes = ", ".join(f"{name} {size}" for name, size in sorted(policies.items()) if size)
    lines = [
        f"bytes of policies in {longest.region}, of {POLICY_BYTES} each: {sizes}",
        f"resources: {len(resources)} of {STACK_RESOURCES} in the stack, {in_api} of {API_RESOURCES} in the API",
    ]
    return lines, problems
