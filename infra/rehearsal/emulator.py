"""Starts ministack, the AWS emulator, and corrects differences between it and AWS.

Each correction below names the behavior of AWS. None weakens a check: condition keys that the
emulator does not know are filled in from the request, so that a policy's conditions are evaluated.
Run it with the Python of infra/tools/setup rehearsal, in the environment that rehearse.py sets.
"""

import base64
import contextvars
import email
import email.policy
import json
import urllib.parse

from ministack import app
from ministack.core import iam_actions
from ministack.services import apigateway_v1, lambda_svc, ses
from ministack.services.cloudformation import provisioners

# --- IAM: AWS authorizes a batch as the action of a single message ("Actions, resources, and condition keys
# for Amazon SQS": SendMessageBatch has no permission of its own).
_extract_iam_action = iam_actions.extract_iam_action


def extract_iam_action(*args, **kwargs):
    action = _extract_iam_action(*args, **kwargs)
    if action and action.startswith("sqs:") and action.endswith("Batch"):
        return action.removesuffix("Batch")
    return action


iam_actions.extract_iam_action = extract_iam_action

# --- IAM: AWS authorizes a PartiQL statement as its own action on its table ("IAM security policies
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


iam_actions.dynamodb_transaction_checks = dynamodb_transaction_checks

# --- IAM: condition keys of the services, which the emulator lacks.
_request_tag_context = iam_actions.request_tag_context


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
    for write in request.get("TransactItems") or []:
        for one in write.values():
            keys += partition(one.get("Key") or one.get("Item") or {})
    expression = request.get("KeyConditionExpression", "")
    if expression:
        value = expression.split("=")[1].split()[0]
        keys += [request["ExpressionAttributeValues"][value]["S"]]
    return keys


def request_tag_context(service, iam_action, body, params):
    context = _request_tag_context(service, iam_action, body, params)
    if service == "dynamodb":
        keys = leading_keys(json.loads(body or b"{}"))
        if keys:
            context["dynamodb:LeadingKeys"] = keys
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

# --- IAM: AWS authorizes a mail on the identity of its sender.
_extract_resource_arn = iam_actions.extract_resource_arn


def extract_resource_arn(service, method, path, headers, body, params, region, account_id):
    form = urllib.parse.parse_qs((body or b"").decode()) if service == "ses" else {}
    if form.get("Action") == ["SendRawEmail"]:
        domain = email.utils.parseaddr(form.get("Source", [""])[0])[1].rpartition("@")[2]
        return f"arn:aws:ses:{region}:{account_id}:identity/{domain}"
    return _extract_resource_arn(service, method, path, headers, body, params, region, account_id)


iam_actions.extract_resource_arn = extract_resource_arn

# --- IAM: requests reach AWS over TLS, and the emulator over plain loopback. Here every request
# counts as TLS (aws:SecureTransport) except one with `X-Forwarded-Proto: http`.
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

# --- API Gateway: AWS imports ANY methods, gateway responses and binary media types from the body
# of an API ("OpenAPI extensions for API Gateway").
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

# --- SES: a notification contains the mail's headers if its identity enables them
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

# --- Lambda: AWS reads the numbers of a mapping as numbers, also from a parameter.
_sqs_esm_concurrency = lambda_svc._sqs_esm_concurrency


def sqs_esm_concurrency(esm, *args, **kwargs):
    scaling = esm.get("ScalingConfig") or {}
    if "MaximumConcurrency" in scaling:
        scaling["MaximumConcurrency"] = int(scaling["MaximumConcurrency"])
    return _sqs_esm_concurrency(esm, *args, **kwargs)


lambda_svc._sqs_esm_concurrency = sqs_esm_concurrency

# --- CloudWatch: AWS accepts alarms on metric math. The emulator evaluates no metrics, so the first
# metric replaces all.
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

if __name__ == "__main__":
    app.main()
