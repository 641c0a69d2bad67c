"""Holds template.yaml to the code that it deploys.

    python infra/check_template.py [--write]

What neither the compiler nor a linter sees: the routes of API Gateway are those that the local
stack serves, the tables are those of the schema, each setting that the code reads is set and
each one that is set is read, the timeouts, queues and batches fit each other, and the stack as
SAM expands it stays well below the limits of AWS. Run with the Python of infra/tools; prints what
it compared and measured, or every difference and exits with 1. `--write` first writes the paths
of the API from the routes of the code.
"""

import json
import re
import sys
from pathlib import Path

import limits
from cfnlint.decode import decode

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"
ROUTES = "shared/src/http/routes.rs"
SCHEMA = "shared/src/store/schema.rs"
FILES = "shared/src/aws/s3.rs"
SERVE = "shared/src/http/serve.rs"

# What the access log may say of a request: nothing of who sends it, and of its path the pattern alone, since
# ids and addresses of people stand in it.
LOGGED = {
    "error.responseType",
    "httpMethod",
    "integrationLatency",
    "integrationStatus",
    "requestId",
    "requestTimeEpoch",
    "resourcePath",
    "responseLatency",
    "responseLength",
    "status",
}

# Further settings that the template sets, and who reads them.
FOREIGN_SETTINGS = {
    "AWS_ENDPOINT_URL_DYNAMODB": "the AWS SDK",
    "AWS_ENDPOINT_URL_S3": "the AWS SDK",
    "AWS_ENDPOINT_URL_SES": "the AWS SDK",
    "AWS_ENDPOINT_URL_SQS": "the AWS SDK",
    "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH": "lambda_http",
    "LOG_LEVEL": "the functions' log filter",
}

# Routes whose requests cost much: the stage gives each a limit of its own, so each is a method of its
# own in the API.
COSTLY = {
    ("/api/v1/verify", "POST"),
    ("/api/v1/uploads", "POST"),
    ("/api/v1/members/uploads", "POST"),
    ("/api/v1/members/import", "POST"),
    ("/api/v1/credentials/revoke", "POST"),
    ("/api/v1/jobs/{job_id}/certificates", "POST"),
    ("/verify", "POST"),
    ("/wallet", "POST"),
    ("/credential/{credential_id}/certificate.pdf", "GET"),
    ("/credential/{credential_id}/badge.png", "GET"),
    ("/credential/{credential_id}/badge.svg", "GET"),
    ("/credential/{credential_id}/preview.png", "GET"),
    ("/orgs/{org}/achievements/{template_id}/seal.png", "GET"),
    # HEAD draws as GET does.
    ("/credential/{credential_id}/certificate.pdf", "HEAD"),
    ("/credential/{credential_id}/badge.png", "HEAD"),
    ("/credential/{credential_id}/badge.svg", "HEAD"),
    ("/credential/{credential_id}/preview.png", "HEAD"),
    ("/orgs/{org}/achievements/{template_id}/seal.png", "HEAD"),
}

# Who opens signing keys.
SIGNERS = {"IssueFunction", "ConsumerFunction", "AmendFunction", "PrivacyFunction"}

problems: list[str] = []


def check(holds: bool, problem: str) -> None:
    if not holds:
        problems.append(problem)


def source(path: str) -> str:
    """The text of a Rust file without its comments."""
    return re.sub(r"^\s*//.*$", "", (ROOT / path).read_text(), flags=re.M)


def of_type(resources: dict, kind: str) -> dict:
    return {name: r["Properties"] for name, r in resources.items() if r["Type"] == kind}


def functions_of(template: dict) -> dict:
    """The functions with the defaults of Globals filled in."""
    shared = template["Globals"]["Function"]
    return {
        name: shared | own
        for name, own in of_type(template["Resources"], "AWS::Serverless::Function").items()
    }


def routes_in_code() -> dict:
    """The function of each path and method, in the order of the code."""
    return {
        (path, method): function
        for method, path, function in re.findall(
            r'^    \w+\("([A-Z]+)", "(/[^"]*)", Function::(\w+)\(',
            source(ROUTES),
            flags=re.M,
        )
    }


def paths_of(routes: dict) -> dict:
    """The function of each method of each path, `ANY` included, as the API has them.

    A path goes to one function with all its methods, as all functions know all routes and answer
    405 from them. Where several share a path, `Catalog` or else the first takes what the others do
    not name. What no route has goes to `Page`, which answers people with a page. Costly routes are named.
    """
    paths: dict[str, dict[str, str]] = {}
    for (path, method), function in routes.items():
        paths.setdefault(path, {})[method] = function
    for path, methods in paths.items():
        functions = list(methods.values())
        if (path, "HEAD") in COSTLY:
            methods["HEAD"] = methods["GET"]
        rest = "Catalog" if "Catalog" in functions else functions[0]
        named = {
            method: function
            for method, function in methods.items()
            if function != rest or (path, method) in COSTLY
        }
        paths[path] = named | {"ANY": rest}
    return paths | {"/{proxy+}": {"ANY": "Page"}}


def operation_name(method: str) -> str:
    return "x-amazon-apigateway-any-method" if method == "ANY" else method.lower()


def invocation(function: str) -> str:
    """Where API Gateway calls a function (the uri of its integration)."""
    return (
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        f"${{{function}Function.Arn}}/invocations"
    )


def write_paths() -> None:
    """Writes the paths of the API into the template."""
    lines = ["        paths:\n"]
    for path, methods in paths_of(routes_in_code()).items():
        lines.append(f"          {path}:\n")
        for method, function in methods.items():
            lines.append(
                f"            {operation_name(method)}: {{responses: {{}}, x-amazon-apigateway-integration:"
                f" {{type: aws_proxy, httpMethod: POST, uri: !Sub '{invocation(function)}'}}}}\n"
            )
    block = re.compile(r"^        paths:\n(?:          .*\n)*", flags=re.M)
    text, count = block.subn(lambda _: "".join(lines), TEMPLATE.read_text())
    if count != 1:
        sys.exit(f"template.yaml has {count} blocks of paths")
    TEMPLATE.write_text(text)


def check_routes(functions: dict, expanded: dict) -> int:
    """Each route of the code reaches its function by the rules of API Gateway (the exact method,
    else ANY), and every other method and path a function that answers 405 or 404."""
    in_code = routes_in_code()
    check(bool(in_code), f"no routes were found in {ROUTES}")
    wanted = {
        path: {
            operation_name(method): {
                "responses": {},
                "x-amazon-apigateway-integration": {
                    "type": "aws_proxy",
                    "httpMethod": "POST",
                    "uri": {"Fn::Sub": invocation(function)},
                },
            }
            for method, function in methods.items()
        }
        for path, methods in paths_of(in_code).items()
    }
    (api,) = of_type(expanded, "AWS::ApiGateway::RestApi").values()
    got = api["Body"]["paths"]
    for path in sorted(wanted.keys() | got.keys()):
        check(
            got.get(path) == wanted.get(path),
            f"path {path} is otherwise than in {ROUTES}: python infra/check_template.py --write",
        )

    answering = set(in_code.values())
    permissions = of_type(expanded, "AWS::Lambda::Permission").values()
    for name, function in functions.items():
        # An event of the API would bring a permission of its own.
        kinds = [event["Type"] for event in function.get("Events", {}).values()]
        check("Api" not in kinds, f"{name} has events of the API; its paths are the API's own")
        sources = [
            permission["SourceArn"]
            for permission in permissions
            if permission["Principal"] == "apigateway.amazonaws.com"
            and permission["FunctionName"] == {"Ref": name}
        ]
        whole = {
            "Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*"
        }
        allowed = [whole] if name.removesuffix("Function") in answering else []
        check(sources == allowed, f"{name} lets the API in by {sources} instead of {allowed}")
    return len(in_code)


def check_limits(functions: dict, expanded: dict) -> int:
    """The stage has one limit for every path and one for each costly route. Concurrency is reserved
    for what answers requests, and for nothing that reads a queue: messages that a function is too
    busy for count as received, and reach the dead letters unread."""
    (stage,) = of_type(expanded, "AWS::ApiGateway::Stage").values()
    limits_of = {
        (one["ResourcePath"].replace("~1", "/").replace("//", "/"), one["HttpMethod"]): (
            one["ThrottlingRateLimit"],
            one["ThrottlingBurstLimit"],
        )
        for one in stage["MethodSettings"]
    }
    costly = ({"Ref": "CostlyThrottleRate"}, {"Ref": "CostlyThrottleBurst"})
    every = ({"Ref": "ThrottleRate"}, {"Ref": "ThrottleBurst"})
    check(
        limits_of == {("/*", "*"): every} | dict.fromkeys(COSTLY, costly),
        f"the stage has other limits: {sorted(limits_of)}",
    )
    known = routes_in_code()
    known |= {(path, "HEAD"): function for (path, method), function in known.items() if method == "GET"}
    for path, method in COSTLY - set(known):
        problems.append(f"the costly route {method} {path} is not in {ROUTES}")
    answering = {f"{function}Function" for function in routes_in_code().values()}
    reserved = {"Fn::If": ["ReservesConcurrency", {"Ref": "ReservedConcurrency"}, {"Ref": "AWS::NoValue"}]}
    for name, function in functions.items():
        wanted = reserved if name in answering else None
        got = function.get("ReservedConcurrentExecutions")
        check(got == wanted, f"{name} reserves {got} instead of {wanted}")
    return len(limits_of)


def check_transit(template: dict, expanded: dict) -> int:
    """Nothing crosses the internet in the clear, and nothing leads around the domain."""
    resources = template["Resources"]
    mail = of_type(resources, "AWS::SES::ConfigurationSet")
    for name, one in mail.items():
        policy = one.get("DeliveryOptions", {}).get("TlsPolicy")
        check(policy == {"Ref": "MailTls"}, f"{name} sends mail with {policy}")
    check(template["Parameters"]["MailTls"]["Default"] == "REQUIRE", "MailTls is not required by default")
    domains = of_type(resources, "AWS::ApiGateway::DomainName")
    for name, one in domains.items():
        check(one["SecurityPolicy"] == "TLS_1_2", f"{name} speaks {one['SecurityPolicy']}")
    apis = of_type(expanded, "AWS::ApiGateway::RestApi")
    for name, one in apis.items():
        ended = json.dumps(one["Body"].get("servers"))
        wanted = '"disableExecuteApiEndpoint": {"Fn::If": ["HasDomain", true, false]}'
        check(wanted in ended, f"{name} answers beside its domain: {ended}")
        # The text of the API is the same with a domain, so SAM would not deploy it anew.
        always = of_type(resources, "AWS::Serverless::Api")[name].get("AlwaysDeploy")
        check(always is True, f"{name} is not deployed when a parameter changes")
    return len(mail) + len(domains) + len(apis)


def statements_of(resources: dict, role: str) -> list:
    policies = resources[role]["Properties"]["Policies"]
    return [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]


def check_roles(resources: dict) -> int:
    """Signing keys open for those who sign and for nothing else than signing; whoever draws for
    everybody reads no secret; updates are of the items and attributes that are written."""
    roles = of_type(resources, "AWS::IAM::Role")
    for role in roles:
        if "Policies" not in roles[role]:
            continue
        name = role.removesuffix("Role")
        for one in statements_of(resources, role):
            actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
            condition = one.get("Condition", {})
            if any(action.startswith("kms:") for action in actions):
                check(f"{name}Function" in SIGNERS, f"{role} may {actions} and signs nothing")
                check(
                    condition
                    == {
                        "Null": {f"kms:EncryptionContext:{key}": "false" for key in ("org", "mode")},
                        "StringEqualsIfExists": {"kms:EncryptionContext:purpose": "signing-key"},
                    },
                    f"{role} opens what is no signing key: {condition}",
                )
            catalog = one["Resource"] == {"Fn::GetAtt": ["CatalogTable", "Arn"]}
            attributes = condition.get("ForAllValues:StringEquals", {}).get("dynamodb:Attributes", [])
            if catalog and "dynamodb:UpdateItem" in actions:
                check(bool(attributes), f"{role} may update every attribute of the catalog")
                check(actions == ["dynamodb:UpdateItem"], f"{role} updates among {actions}")
            if catalog and name == "Render":
                # It compares the hash of one key, which it reads by its id.
                one_key = one["Sid"] == "ApiKey" and actions == ["dynamodb:GetItem"]
                secrets = {"secret", "sealed"} if one_key else {"secret", "sealed", "hash"}
                secrets &= set(attributes)
                check(bool(attributes) and not secrets, f"{role} may read {secrets or 'everything'}")
                check(
                    condition.get("StringEquals") == {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
                    f"{role} may read without naming what it wants",
                )
    return len(roles)


def check_tables(resources: dict, settings: dict) -> int:
    """Each table has the keys and indexes of `store/schema.rs`."""
    rust = source(SCHEMA)
    indexes = {
        constant: (name, partition, sort)
        for constant, name, partition, sort in re.findall(
            r'const (\w+): Index =\s*Index \{\s*name: "(\w+)",\s*partition: "(\w+)",\s*sort: "(\w+)",?\s*\}',
            rust,
        )
    }
    in_code = {
        setting: (partition, sort or None, {indexes[i] for i in re.findall(r"\w+", used)})
        for setting, partition, sort, used in re.findall(
            r'Table \{\s*setting: "(\w+)",\s*partition: "(\w+)",\s*sort: (?:None|Some\("(\w+)"\)),'
            r"\s*indexes: &\[([^\]]*)\],?\s*\}",
            rust,
        )
    }
    ttl = re.search(r'const TTL: &str = "(\w+)"', rust)
    declared = re.search(r"const TABLES: \[Table; (\d+)\]", rust)
    check(
        bool(declared and ttl) and int(declared[1]) == len(in_code),
        f"{SCHEMA} could not be read",
    )

    def keys(schema: list) -> tuple:
        by_role = {key["KeyType"]: key["AttributeName"] for key in schema}
        return by_role["HASH"], by_role.get("RANGE")

    tables = of_type(resources, "AWS::DynamoDB::Table")
    for setting, (partition, sort, wanted) in in_code.items():
        name = settings.get(setting, {}).get("Ref")
        table = tables.pop(name, None)
        if table is None:
            problems.append(f"{setting} names no table")
            continue
        check(keys(table["KeySchema"]) == (partition, sort), f"{name} has other keys")
        got = {
            (index["IndexName"], *keys(index["KeySchema"]))
            for index in table.get("GlobalSecondaryIndexes", [])
        }
        check(got == wanted, f"{name} has other indexes: {sorted(got ^ wanted)}")
        for index in table.get("GlobalSecondaryIndexes", []):
            kind = index["Projection"]["ProjectionType"]
            check(kind == "KEYS_ONLY", f"{name} {index['IndexName']} projects {kind}")
        used = {partition, sort, *(key for index in wanted for key in index[1:])} - {None}
        got = {(a["AttributeName"], a["AttributeType"]) for a in table["AttributeDefinitions"]}
        check(got == {(key, "S") for key in used}, f"{name} declares other attributes")
        expiry = table["TimeToLiveSpecification"]
        check(
            expiry == {"AttributeName": ttl and ttl[1], "Enabled": True},
            f"{name} does not expire by {ttl and ttl[1]}",
        )
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            check(resources[name].get(policy) == "Retain", f"{name} is not kept by {policy}")
    for name in tables:
        problems.append(f"{name} is in the template only")
    return len(in_code)


# Settings of a machine's own: no deployment has them.
LOCAL_SETTINGS = {"SIGNING_KEY_FILE"}


def check_settings(settings: dict, functions: dict) -> int:
    """The functions are given the settings that `Config::from_env` reads."""
    rust = source("shared/src/app.rs")
    read = set(re.findall(r'(?:text|number)\(\s*"([A-Z_]+)"', rust))
    check(bool(read), "no settings were found in shared/src/app.rs")
    read -= LOCAL_SETTINGS
    settings = dict(settings)
    allowed = {"KMS_KEY_ID", "UPLOADS_BUCKET", "UPLOADS_ORIGIN", "SECURITY_CONTACT", "DEAD_LETTER_QUEUE_URLS"}
    for name, function in functions.items():
        own = set(function.get("Environment", {}).get("Variables", {})) - set(settings)
        check(own <= allowed, f"{name} has settings of its own: {own}")
        # Who signs is given the key, and nobody else.
        signs = name in SIGNERS
        check(("KMS_KEY_ID" in own) == signs, f"{name} and KMS_KEY_ID: signs is {signs}")
        # Who builds the bucket's client is told its name, and nobody else.
        crate = name.removesuffix("Function").lower()
        files = "from_env_with_files()" in source(f"functions/{crate}/src/main.rs")
        check(("UPLOADS_BUCKET" in own) == files, f"{name} and UPLOADS_BUCKET: files is {files}")
        shows = name == "PageFunction"
        for setting in ["UPLOADS_ORIGIN", "SECURITY_CONTACT"]:
            check((setting in own) == shows, f"{name} and {setting}: shows is {shows}")
        private = name == "PrivacyFunction"
        check(("DEAD_LETTER_QUEUE_URLS" in own) == private, f"{name} reads dead letters")
    settings |= dict.fromkeys(allowed)
    for name in sorted(read - set(settings)):
        problems.append(f"setting {name} is read and not set")
    for name in sorted(set(settings) - read - set(FOREIGN_SETTINGS)):
        problems.append(f"setting {name} is set and not read")
    return len(read)


def check_times(template: dict, functions: dict, settings: dict) -> int:
    """Timeouts, queues and batches fit each other."""
    answering = {f"{function}Function" for function in routes_in_code().values()}
    queues = of_type(template["Resources"], "AWS::SQS::Queue")
    sources = 0
    for name, function in functions.items():
        kinds = {event["Type"] for event in function.get("Events", {}).values()}
        if name in answering:
            check(function["Timeout"] < 29, f"{name} outlasts API Gateway, which waits 29 s")
        if "Schedule" in kinds:
            check(function["Timeout"] < 60, f"{name} may overlap its next run")
        for event in function.get("Events", {}).values():
            if event["Type"] != "SQS":
                continue
            sources += 1
            mapping = event["Properties"]
            queue = mapping["Queue"]["Fn::GetAtt"][0]
            window = mapping.get("MaximumBatchingWindowInSeconds", 0)
            above = not isinstance(mapping["BatchSize"], int) or mapping["BatchSize"] > 10
            needed = 6 * function["Timeout"] + window
            check(
                queues[queue]["VisibilityTimeout"] >= needed,
                f"{queue} hides a message for less than 6 x {function['Timeout']} + {window} s",
            )
            check(window >= 1 or not above, f"{queue} takes batches above 10: no window")
            check(
                mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"],
                f"{queue} would repeat whole batches",
            )
            dead = queues[queue]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
            check(
                queues[dead]["MessageRetentionPeriod"] >= queues[queue]["MessageRetentionPeriod"],
                f"{dead} keeps messages for less time than {queue}",
            )
    timeout = functions["ConsumerFunction"]["Timeout"]
    check(
        settings["CONSUMER_TIMEOUT_SECONDS"] == str(timeout),
        f"CONSUMER_TIMEOUT_SECONDS is not the consumer's timeout of {timeout} s",
    )
    return sources


def check_bucket(resources: dict) -> int:
    """Files under incoming/ are told to the queue of the function that reads them, by a policy
    that names the bucket as it is named; functions touch the prefixes of `aws/s3.rs` and no more."""
    buckets = of_type(resources, "AWS::S3::Bucket")
    for name, bucket in buckets.items():
        (told,) = bucket["NotificationConfiguration"]["QueueConfigurations"]
        queue = told["Queue"]["Fn::GetAtt"][0]
        readers = [
            function
            for function, properties in of_type(resources, "AWS::Serverless::Function").items()
            for event in properties.get("Events", {}).values()
            if event["Type"] == "SQS" and event["Properties"]["Queue"]["Fn::GetAtt"][0] == queue
        ]
        check(readers == ["UploadsFunction"], f"{queue} is read by {readers}")
        rules = told["Filter"]["S3Key"]["Rules"]
        prefix = rules[0]["Value"]
        check(len(rules) == 1 and rules[0]["Name"] == "prefix", f"{name} filters otherwise")
        documented = re.findall(r"^//! \| `(\w+/)", (ROOT / FILES).read_text(), re.M)
        check(prefix in documented, f"{name} tells of {prefix}, which {FILES} does not know")
        for policy in of_type(resources, "AWS::SQS::QueuePolicy").values():
            if policy["Queues"] == [{"Ref": queue}]:
                (statement,) = policy["PolicyDocument"]["Statement"]
                source_arn = statement["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Sub"]
                named = bucket["BucketName"]["Fn::Sub"]
                check(source_arn.endswith(f":::{named}"), f"{queue} knows {name} by another name")
        lifecycle = bucket["LifecycleConfiguration"]["Rules"]
        days = [rule["ExpirationInDays"] for rule in lifecycle if "ExpirationInDays" in rule]
        check(
            days == [90 + 7] * 3 + [7 + 1, 1 + 1] and all("Prefix" in rule for rule in lifecycle if "ExpirationInDays" in rule),
            f"{name} keeps files for {days} days: jobs are kept 90 and 7, exports 7, prints 1, and notes of erasures stay",
        )
        for role, properties in of_type(resources, "AWS::IAM::Role").items():
            for policy in properties.get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    actions = statement["Action"]
                    actions = [actions] if isinstance(actions, str) else actions
                    if not any(action.startswith("s3:") for action in actions):
                        continue
                    of = statement["Resource"]
                    for resource in of if isinstance(of, list) else [of]:
                        text = json.dumps(resource)
                        known = any(f"/{prefix}*" in text for prefix in documented)
                        lists = actions == ["s3:ListBucket"]
                        check(known or lists, f"{role} may {actions} on {text}")
    return len(buckets)


def check_binaries(template: dict, functions: dict) -> int:
    """Each function is a crate of its name, and each crate is deployed."""
    crates = {path.parent.name for path in ROOT.glob("functions/*/Cargo.toml")}
    deployed = {
        template["Resources"][name]["Metadata"]["BuildProperties"]["Binary"] for name in functions
    }
    check(crates == deployed, f"not in both functions/ and the template: {crates ^ deployed}")
    return len(deployed)


def check_gateway_responses(resources: dict) -> int:
    """What the gateway answers by itself is a problem document that says its own status."""
    count = 0
    for api in of_type(resources, "AWS::Serverless::Api").values():
        for name, response in api["GatewayResponses"].items():
            count += 1
            headers = response["ResponseParameters"]["Headers"]
            check(
                headers["Content-Type"] == "'application/problem+json'",
                f"gateway response {name} is no problem document",
            )
            https = re.search(r'const ONLY_HTTPS: &str = "(.*)"', source(SERVE))
            check(
                bool(https) and headers.get("Strict-Transport-Security") == f"'{https[1]}'",
                f"gateway response {name} does not say that the site is under https",
            )
            robots = re.search(r'const ROBOTS: &str = "(.*)"', source(SERVE))
            check(
                bool(robots) and headers.get("X-Robots-Tag") == f"'{robots[1]}'",
                f"gateway response {name} tells crawlers otherwise than our answers",
            )
            body = json.loads(response["ResponseTemplates"]["application/json"])
            check(
                set(body) == {"type", "title", "status", "detail", "code", "request_id"},
                f"gateway response {name} has other members than our problems",
            )
            check(
                body["status"] == response["StatusCode"],
                f"gateway response {name} says another status than it has",
            )
            check(
                ("Retry-After" in headers) == (response["StatusCode"] in (429, 503)),
                f"gateway response {name}: Retry-After belongs to 429 and 503",
            )
    return count


def check_logs(template: dict, expanded: dict) -> int:
    """What AWS logs by itself has no addresses: neither the network's nor people's. The access log says
    what is in LOGGED; nothing else writes down requests, their paths or their bodies."""
    fields = 0
    stages = of_type(expanded, "AWS::ApiGateway::Stage")
    for name, stage in stages.items():
        entry = stage.get("AccessLogSetting", {}).get("Format", "")
        json.loads(entry)
        said = set(re.findall(r"\$(?:context|util|input|stageVariables)?\.?[\w.]*", entry))
        fields += len(said)
        for one in sorted(said - {f"$context.{field}" for field in LOGGED}):
            problems.append(f"the access log of {name} says {one}, which may be of a person")
        check(not stage.get("TracingEnabled"), f"{name} is traced, and a trace has the URL")
        for one in stage.get("MethodSettings", []):
            writes = {"LoggingLevel", "DataTraceEnabled"} & set(one)
            check(not writes, f"{name} writes an execution log ({writes}), which has the URL")
    check(bool(stages) and fields > 0, "no access log was found")
    text = json.dumps(expanded)
    check('"SampledRequestsEnabled": true' not in text, "the firewall keeps samples of requests")
    for kind in ("AWS::WAFv2::LoggingConfiguration", "AWS::CloudTrail::Trail", "AWS::EC2::FlowLog"):
        check(not of_type(expanded, kind), f"a {kind} writes down who sends requests")
    for name, bucket in of_type(template["Resources"], "AWS::S3::Bucket").items():
        check("LoggingConfiguration" not in bucket, f"{name} writes down who puts and fetches files")
    return fields


def check_metrics(resources: dict) -> int:
    """Metric filters look for events and fields that the function of their log group writes."""
    filters = of_type(resources, "AWS::Logs::MetricFilter")
    for name, metric in filters.items():
        function = metric["LogGroupName"]["Ref"].removesuffix("LogGroup").lower()
        code = source(f"functions/{function}/src/lib.rs")
        pattern = metric["FilterPattern"]
        event = re.search(r'\$\.message = "(\w+)"', pattern)
        check(bool(event) and f'"{event[1]}"' in code, f"{name}: {function} writes no such event")
        values = [t["MetricValue"] for t in metric["MetricTransformations"]]
        for field in set(re.findall(r"\$\.(\w+)", " ".join([pattern, *values]))) - {"message"}:
            check(re.search(rf"\b{field}( =|,)", code) is not None, f"{name}: no field {field}")
    return len(filters)


def main() -> int:
    if sys.argv[1:] == ["--write"]:
        write_paths()
    template, matches = decode(str(TEMPLATE))
    if matches or template is None:
        print(f"template.yaml cannot be read: {matches}", file=sys.stderr)
        return 1
    resources = template["Resources"]
    functions = functions_of(template)
    expanded = limits.expand(TEMPLATE)
    settings = template["Globals"]["Function"]["Environment"]["Variables"]
    counts = {
        "functions": check_binaries(template, functions),
        "routes": check_routes(functions, expanded),
        "limits": check_limits(functions, expanded),
        "roles": check_roles(resources),
        "ways in and out": check_transit(template, expanded),
        "tables": check_tables(resources, settings),
        "settings": check_settings(settings, functions),
        "queues": check_times(template, functions, settings),
        "buckets": check_bucket(resources),
        "gateway responses": check_gateway_responses(resources),
        "fields of the access log": check_logs(template, expanded),
        "metrics": check_metrics(resources),
    }
    measured, beyond = limits.measure(expanded)
    problems.extend(beyond)
    print(*measured, sep="\n")
    for problem in problems:
        print(f"template.yaml: {problem}", file=sys.stderr)
    if problems:
        return 1
    print("template and code agree: " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
