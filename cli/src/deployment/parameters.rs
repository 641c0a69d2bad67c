//! The parameters of a deployed stack, as CloudFormation tells them: one signed request, since the
//! service's own client would be the largest part of the command line.

use std::time::SystemTime;

use anyhow::{Context, bail};
use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::ProvideCredentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The endpoint, where it is another than AWS's own.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_CLOUDFORMATION";
/// The body's media type.
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Reads the value of a parameter of a stack; `None` when the stack has no such parameter.
///
/// # Errors
/// Without region, credentials or permission, and for an unknown stack.
pub(super) async fn parameter(
    sdk: &SdkConfig,
    stack: &str,
    name: &str,
) -> anyhow::Result<Option<String>> {
    let region = sdk.region().context("no AWS region is set")?.as_ref().to_owned();
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let url = std::env::var(ENDPOINT)
        .ok()
        .or_else(|| sdk.endpoint_url().map(str::to_owned))
        .unwrap_or_else(|| format!("https://cloudformation.{region}.{suffix}"));
    let stack = utf8_percent_encode(stack, NON_ALPHANUMERIC);
    let body = format!("Action=DescribeStacks&Version=2010-05-15&StackName={stack}");
    let provider = sdk.credentials_provider().context("no AWS credentials")?;
    let identity = provider.provide_credentials().await?.into();
    let signing = SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name("cloudformation")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let signable = SignableBody::Bytes(body.as_bytes());
    let signed = sign(SignableRequest::new("POST", &url, [FORM].into_iter(), signable)?, &signing)?;
    let (signature, _) = signed.into_parts();
    let http = reqwest::Client::builder().timeout(longest_wait()).build()?;
    let mut request = http.post(&url).header(FORM.0, FORM.1);
    for (name, value) in signature.headers() {
        request = request.header(name, value);
    }
    let answer = request.body(body).send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    if !status.is_success() {
        let code = element(&text, "Code").unwrap_or_default();
        bail!("CloudFormation answered {status} {code}");
    }
    Ok(value_of(&text, name))
}

/// The longest wait for the answer.
fn longest_wait() -> std::time::Duration {
    unicreda::app::timeouts().operation_timeout().unwrap_or_default()
}

/// The value of a parameter in the answer of `DescribeStacks`.
fn value_of(answer: &str, name: &str) -> Option<String> {
    let (_, rest) = answer.split_once(&format!("<ParameterKey>{name}</ParameterKey>"))?;
    element(rest.split("</member>").next()?, "ParameterValue")
}

/// The text of the first element of this name.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ];
    let text = entities.iter().fold(text.to_owned(), |text, (code, c)| text.replace(code, c));
    Some(text.trim().to_owned())
}
