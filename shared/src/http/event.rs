//! The requests that API Gateway sends a function, with every value of each header.

use std::fmt::Debug;

use lambda_http::{
    Adapter, Error, IntoResponse, LambdaEvent, Request, Service,
    lambda_runtime::{self, Diagnostic},
    request::LambdaRequest,
    service_fn,
};

/// Runs a function on the requests of API Gateway, as [`lambda_http::run`] does.
///
/// # Errors
/// Those of Lambda's runtime.
pub async fn run<'a, R, S, E>(handler: S) -> Result<(), Error>
where
    S: Service<Request, Response = R, Error = E>,
    S::Future: Send + 'a,
    R: IntoResponse,
    E: Debug + Into<Diagnostic>,
{
    let mut adapter = Adapter::from(handler);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<LambdaRequest>| {
        adapter.call(with_all_values(event))
    }))
    .await
}

/// An event whose request has every value of a header that was sent several times. `lambda_http`
/// puts the last one in the place of all: of two keys it would hide one.
pub fn with_all_values(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV1(request) = &mut event.payload {
        let all = &request.multi_value_headers;
        for name in all.keys().filter(|name| all.get_all(*name).iter().nth(1).is_some()) {
            request.headers.remove(name);
        }
    }
    event
}
