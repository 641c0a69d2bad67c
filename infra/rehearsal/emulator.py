"""Starts ministack, the emulator of AWS, and mends what it does otherwise than AWS.

Each bridge below says what AWS does. None makes a check weaker: condition keys that the
emulator does not know are filled in from the request, so that a policy's conditions decide.
Run with the Python of infra/tools/setup rehearsal, in the environment that rehearse.py sets.
"""

import base64
import contextvars
import email
import email.policy
import fnmatch
import json
import os
import re
import urllib.parse

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import apigateway_v1, lambda_svc, ses, waf
from ministack.services.cloudformation import provisioners

# --- IAM: a batch is authorized as the action of one ("Actions, resources, and condition keys
# for Amazon SQS": SendMessageBatch has no permission of its own).
_extract_iam_action = iam_actions.extract_iam_action


def extract_iam_action(*args, **kwargs):
    action = _extract_iam_action(*args, **kwargs)
    if action and action.startswith("sqs:") and action.endswith("Batch"):
        return action.removesuffix("Batch")
    return action


iam_actions.extract_iam_action = extract_iam_action

# --- IAM: a statement of PartiQL is authorized as what it does, on its table ("IAM security policies
# with PartiQL for DynamoDB").
_dynamodb_transaction_checks = iam_actions.dynamodb_transaction_checks


def dynamodb_transaction_checks(iam_action, body, region, account_id):
    if iam_action != "dynamodb:BatchExecuteStatement":
        return _dynamodb_transaction_checks(iam_action, body, region, account_id)
    checks = []
    for one in json.loads(body)["Statements"]:
        verb, table = one["Statement"].split()[0], one["Statement"].split('"')[1]
        arn = f"arn:aws:dynamodb:{region}:{account_id}:table/{table}"
        checks.append((f"dynamodb:PartiQL{verb.capitalize()}", arn))
    return checks

# --- IAM: condition keys of the services, which the emulator leaves out. Each item of a transaction is
# authorized with its own.
_request_tag_context = iam_actions.request_tag_context
_dynamodb_service_context = iam_actions.dynamodb_service_context
_enforce = iam_evaluator.enforce
_items = contextvars.ContextVar("items", default=())


def leading_keys(request: dict) -> list[str]:
    """dynamodb:LeadingKeys: the partition keys that a request names."""

    def partition(key: dict) -> list[str]:
        named = key.get("pk") or key.get("id") or {}
        return [named["S"]] if "S" in named else []

    keys = partition(request.get("Key") or request.get("Item") or {})
    for asked in (request.get("RequestItems") or {}).values():
        if isinstance(asked, dict):
            for key in asked.get("Keys", []):
                keys += partition(key)
        else:
            for write in asked:
                one = write.get("PutRequest", {}).get("Item") or write.get("DeleteRequest", {}).get("Key")
                keys += partition(one or {})
    expression = request.get("KeyConditionExpression", "")
    if expression:
        value = expression.split("=")[1].split()[0]
        keys += [request["ExpressionAttributeValues"][value]["S"]]
    return keys


WORDS = {
    "add", "and", "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "between",
    "contains", "delete", "if_not_exists", "in", "list_append", "not", "or", "remove", "set", "size",
}  # fmt: skip


def attributes(request: dict) -> list[str]:
    """dynamodb:Attributes: the attributes that a request names, in its keys, items and expressions."""
    named = [*(request.get("Key") or {}), *(request.get("Item") or {})]
    placeholders = request.get("ExpressionAttributeNames") or {}
    for name, expression in request.items():
        if name.endswith("Expression") and isinstance(expression, str):
            paths = re.findall(r"(?<![\w:#.])(#?[A-Za-z]\w*)", expression)
            named += [placeholders.get(one, one) for one in paths if one.lower() not in WORDS]
    return sorted(set(named))


def dynamodb_context(request: dict) -> dict:
    context = {"dynamodb:LeadingKeys": leading_keys(request), "dynamodb:Attributes": attributes(request)}
    return {key: values for key, values in context.items() if values}


def dynamodb_service_context(body):
    return _dynamodb_service_context(body) | dynamodb_context(json.loads(body or b"{}"))


def transaction_checks(iam_action, body, *args):
    request = json.loads(body or b"{}")
    ones = [one for write in request.get("TransactItems") or [] for one in write.values()]
    _items.set(iter([dynamodb_context(one) for one in ones]))
    return dynamodb_transaction_checks(iam_action, body, *args)


def enforce(access_key, action, service, region, resource_arn="*", service_context=None):
    context = dict(service_context or {})
    if "dynamodb:EnclosingOperation" in context:
        context |= next(_items.get(), {})
    denied = _enforce(access_key, action, service, region, resource_arn, context)
    if not denied:
        record(access_key, action, resource_arn, context)
    return denied


def record(access_key, action, resource_arn, context):
    """Notes who did what, for the step that looks for permissions without a use."""
    caller = iam_evaluator.resolve_caller_identity(access_key or "") or {}
    _, is_role, name = caller.get("userArn", "").partition(":assumed-role/")
    if is_role:
        seen = {"role": name.split("/")[0], "action": action, "resource": resource_arn}
        seen |= {key: context[key] for key in ("dynamodb:LeadingKeys", "dynamodb:Attributes") if key in context}
        with open(os.environ["PERMISSIONS_LOG"], "a") as log:
            log.write(json.dumps(seen) + "\n")


iam_actions.dynamodb_service_context = dynamodb_service_context
iam_actions.dynamodb_transaction_checks = transaction_checks
iam_evaluator.enforce = enforce


def request_tag_context(service, iam_action, body, params):
    context = _request_tag_context(service, iam_action, body, params)
    if service == "kms":
        request = json.loads(body or b"{}")
        for name, value in (request.get("EncryptionContext") or {}).items():
            context[f"kms:EncryptionContext:{name}"] = value
    if iam_action == "ses:SendRawEmail":
        form = urllib.parse.parse_qs((body or b"").decode())
        sender = form.get("Source", [""])[0]
        context["ses:FromAddress"] = email.utils.parseaddr(sender)[1]
    return context


iam_actions.request_tag_context = request_tag_context

# --- IAM: SES authorizes a mail on the identity that it is sent from.
_extract_resource_arn = iam_actions.extract_resource_arn


def extract_resource_arn(service, method, path, headers, body, params, region, account_id):
    form = urllib.parse.parse_qs((body or b"").decode()) if service == "ses" else {}
    if form.get("Action") == ["SendRawEmail"]:
        domain = email.utils.parseaddr(form.get("Source", [""])[0])[1].rpartition("@")[2]
        return f"arn:aws:ses:{region}:{account_id}:identity/{domain}"
    return _extract_resource_arn(service, method, path, headers, body, params, region, account_id)


iam_actions.extract_resource_arn = extract_resource_arn

# --- IAM: requests reach AWS over TLS, and the emulator on loopback without. Here each counts as
# over TLS (aws:SecureTransport) but one that says `X-Forwarded-Proto: http`.
_app = app.app
_pin_request_origin = app.pin_request_origin
_plain = contextvars.ContextVar("plain", default=False)


async def asgi(scope, receive, send):
    _plain.set((b"x-forwarded-proto", b"http") in scope.get("headers", ()))
    await _app(scope, receive, send)


def pin_request_origin(source_ip, _secure):
    _pin_request_origin(source_ip, not _plain.get())


app.app = asgi
app.pin_request_origin = pin_request_origin

# --- API Gateway: takes ANY methods, gateway responses and binary media types from the body of
# an API ("OpenAPI extensions for API Gateway").
_import_path_item = apigateway_v1._import_path_item
_import_rest_api = apigateway_v1._import_rest_api


def import_path_item(api_id, path, path_item, scheme_map=None, default_security=None):
    _import_path_item(api_id, path, path_item, scheme_map, default_security)
    operation = path_item.get("x-amazon-apigateway-any-method")
    if operation is None:
        return
    resource = next(
        rid for rid, res in apigateway_v1._resources[api_id].items() if res["path"] == path
    )
    apigateway_v1._import_operation(
        api_id, resource, "ANY", operation, scheme_map, default_security
    )


def import_rest_api(spec, base_data=None):
    data = dict(base_data or {})
    declared = data.get("binaryMediaTypes") or spec.get("x-amazon-apigateway-binary-media-types")
    data["binaryMediaTypes"] = [kind.replace("~1", "/") for kind in declared or []]
    api_id = _import_rest_api(spec, data)
    for kind, response in (spec.get("x-amazon-apigateway-gateway-responses") or {}).items():
        apigateway_v1._put_gateway_response(api_id, kind, response)
    return api_id


apigateway_v1._import_path_item = import_path_item
apigateway_v1._import_rest_api = import_rest_api

# --- API Gateway: invokes a function only if the function's own policy lets this API do so ("Identity-based
# and resource-based policies": Lambda authorizes a service by the resource's policy alone).
_invoke_lambda_proxy = apigateway_v1._invoke_lambda_proxy_v1


async def invoke_lambda_proxy(
    integration, api_id, stage_name, stage, resource, path, method, *args, **kwargs
):
    function = apigateway_v1._extract_lambda_ref_from_integration_uri(integration["uri"])
    region, account = function.split(":")[3:5]
    source = (
        f"arn:aws:execute-api:{region}:{account}:{api_id}/{stage_name}/{method}{resource['path']}"
    )
    policy, _ = lambda_svc.function_policy_for_arn(function)
    for statement in policy["Statement"]:
        pattern = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", "*")
        service = statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
        if service and fnmatch.fnmatchcase(source, pattern):
            return await _invoke_lambda_proxy(
                integration, api_id, stage_name, stage, resource, path, method, *args, **kwargs
            )
    return apigateway_v1._gw_error("API_CONFIGURATION_ERROR", "Internal server error")


apigateway_v1._invoke_lambda_proxy_v1 = invoke_lambda_proxy

# --- SES: a notification carries the mail's headers, when its identity asks for them
# (SetIdentityHeadersInNotificationsEnabled).
_headers = contextvars.ContextVar("headers", default=None)
_send_raw_email = ses._send_raw_email
_publish_notification = ses._publish_notification


def send_raw_email(params):
    raw = params.get("RawMessage.Data", "")
    raw = raw[0] if isinstance(raw, list) else raw
    message = email.message_from_bytes(base64.b64decode(raw), policy=email.policy.default)
    _headers.set([{"name": name, "value": str(value)} for name, value in message.items()])
    return _send_raw_email(params)


def publish_notification(topic_arn, payload):
    mail = payload["mail"] | {"headersTruncated": False, "headers": _headers.get() or []}
    _publish_notification(topic_arn, payload | {"mail": mail})


ses._send_raw_email = send_raw_email
ses._publish_notification = publish_notification

# --- Lambda: takes the numbers of a mapping as numbers, also from a parameter.
_sqs_esm_concurrency = lambda_svc._sqs_esm_concurrency


def sqs_esm_concurrency(esm, *args, **kwargs):
    scaling = esm.get("ScalingConfig") or {}
    if "MaximumConcurrency" in scaling:
        scaling["MaximumConcurrency"] = int(scaling["MaximumConcurrency"])
    return _sqs_esm_concurrency(esm, *args, **kwargs)


lambda_svc._sqs_esm_concurrency = sqs_esm_concurrency

# --- CloudWatch: takes alarms on metric math. Nothing here reads metrics, so one stands for all.
_metric_alarm_record = provisioners._cw_metric_alarm_record


def metric_alarm_record(name, props):
    if props.get("Metrics"):
        one = next(m["MetricStat"] for m in props["Metrics"] if "MetricStat" in m)
        props = {key: value for key, value in props.items() if key != "Metrics"} | {
            "Namespace": one["Metric"]["Namespace"],
            "MetricName": one["Metric"]["MetricName"],
            "Period": one["Period"],
            "Statistic": one["Stat"],
        }
    return _metric_alarm_record(name, props)


provisioners._cw_metric_alarm_record = metric_alarm_record

# --- CloudFormation: reserves concurrency for a function (ReservedConcurrentExecutions).
_function_handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]


def reserving(provision, place):
    """Does as `provision`, whose argument at `place` are the function's properties."""

    def provision_and_reserve(*args):
        made = provision(*args)
        reserved = args[place].get("ReservedConcurrentExecutions")
        function = lambda_svc._functions[args[place]["FunctionName"]]
        function["concurrency"] = None if reserved is None else int(reserved)
        return made

    return provision_and_reserve


_function_handlers["create"] = reserving(_function_handlers["create"], 1)
_function_handlers["update"] = reserving(_function_handlers["update"], 2)

# --- Lambda: a function finds the files of its layers at /opt. Here it is a process of this machine, whose /opt is
# another: FONTS_DIR names the fonts of the one layer.
_provided_worker_env = lambda_svc._provided_worker_env


def provided_worker_env(config, *args):
    environment = _provided_worker_env(config, *args)
    for layer in config.get("Layers") or []:
        archive = lambda_svc._resolve_layer_zip(layer)
        environment["FONTS_DIR"] = os.path.join(lambda_svc._docker_extracted_dir(archive, "layer"), "fonts")
    return environment


lambda_svc._provided_worker_env = provided_worker_env

# --- CloudFormation: puts a web ACL before a stage (AWS::WAFv2::WebACLAssociation).


def associate_web_acl(_logical_id, props, _stack_name):
    status, *_ = waf._associate_web_acl(props)
    if status != 200:
        raise ValueError(f"no web ACL {props['WebACLArn']}")
    return props["ResourceArn"], {}


def disassociate_web_acl(_physical_id, props):
    waf._disassociate_web_acl(props)


provisioners._RESOURCE_HANDLERS["AWS::WAFv2::WebACLAssociation"] = {
    "create": associate_web_acl,
    "delete": disassociate_web_acl,
}

if __name__ == "__main__":
    app.main()
