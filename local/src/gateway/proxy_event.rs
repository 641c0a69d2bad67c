//! The proxy event of a request (API Gateway, "Input format of a Lambda function for proxy
//! integration").

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Uri, header};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::routes::Route;

/// The stage's name. As on AWS, `uri()` of a `lambda_http` request starts with it and
/// `raw_http_path()` does not.
const STAGE: &str = "local";

/// Headers that belong to a connection, not to a request.
pub(super) const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
    header::CONTENT_LENGTH,
];

/// A request that the gateway has received.
pub(super) struct Received<'a> {
    pub parts: &'a http::request::Parts,
    pub body: &'a Bytes,
    pub peer: SocketAddr,
    pub request_id: &'a str,
}

/// A map of single values, the last of each name, and one of all values.
#[derive(Default)]
struct MultiMap {
    last: Map<String, Value>,
    all: Map<String, Value>,
}

impl MultiMap {
    fn add(&mut self, name: &str, value: String) {
        self.last.insert(name.to_owned(), Value::from(value.as_str()));
        let values = self.all.entry(name).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = values {
            values.push(Value::from(value));
        }
    }
}

/// Builds the event.
pub(super) fn build(route: &Route, received: &Received<'_>) -> Value {
    let Received { parts, body, peer, request_id } = received;
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.unwrap_or("localhost");
    let ip = peer.ip().to_string();
    let headers = headers(&parts.headers, &ip);
    let query = query(&parts.uri);
    let parameters: Map<String, Value> =
        route.parameters.iter().map(|(n, v)| ((*n).to_owned(), Value::from(v.as_str()))).collect();
    let or_null = |map: Map<String, Value>| if map.is_empty() { Value::Null } else { map.into() };
    let now = jiff::Timestamp::now();
    json!({
        "resource": route.resource,
        "path": path,
        "httpMethod": method,
        "headers": headers.last,
        "multiValueHeaders": headers.all,
        "queryStringParameters": or_null(query.last),
        "multiValueQueryStringParameters": or_null(query.all),
        "pathParameters": or_null(parameters),
        "stageVariables": null,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "resourceId": "local",
            "resourcePath": route.resource,
            "httpMethod": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "stage": STAGE,
            "domainName": host.split(':').next(),
            "domainPrefix": "localhost",
            "requestId": request_id,
            "extendedRequestId": request_id,
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "requestTimeEpoch": now.as_millisecond(),
            "identity": {
                "sourceIp": ip,
                "userAgent": parts.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()),
                "accessKey": null, "accountId": null, "caller": null, "apiKey": null,
                "cognitoIdentityId": null, "cognitoIdentityPoolId": null,
                "cognitoAuthenticationType": null, "cognitoAuthenticationProvider": null,
                "principalOrgId": null, "user": null, "userArn": null,
            },
        },
        "body": (!body.is_empty()).then(|| STANDARD.encode(body)),
        "isBase64Encoded": !body.is_empty(),
    })
}

fn headers(of: &HeaderMap, ip: &str) -> MultiMap {
    let mut headers = MultiMap::default();
    let forwarded = ["x-forwarded-for", "x-forwarded-proto"];
    for name in of.keys() {
        // The gateway sets these itself.
        if HOP_BY_HOP.contains(name) || forwarded.contains(&name.as_str()) {
            continue;
        }
        for value in of.get_all(name) {
            headers.add(name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned());
        }
    }
    headers.add("x-forwarded-for", ip.to_owned());
    headers.add("x-forwarded-proto", "http".to_owned());
    headers
}

fn query(of: &Uri) -> MultiMap {
    let mut query = MultiMap::default();
    for (name, value) in form_urlencoded::parse(of.query().unwrap_or_default().as_bytes()) {
        query.add(&name, value.into_owned());
    }
    query
}
