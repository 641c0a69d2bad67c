//! Resolves a request to its function and path parameters, as API Gateway does.

use percent_encoding::percent_decode_str;
pub use unicreda::http::routes::Function;
use unicreda::http::routes::{Resolved, resolve};

/// A resolved request.
#[derive(Debug, PartialEq, Eq)]
pub struct Route {
    /// The resource path.
    pub resource: &'static str,
    /// Path parameters, percent-decoded as by API Gateway.
    pub parameters: Vec<(&'static str, String)>,
    /// The function that answers.
    pub function: Function,
}

/// Finds the route of a request. A path or method without a route resolves to the catch-all resource of
/// the function `catalog`, which answers 404 or 405.
pub fn find(method: &str, path: &str) -> Route {
    if let Resolved::Route((_, resource, function), parameter) = resolve(method, path) {
        let name = resource.split('/').find_map(|s| s.strip_prefix('{')?.strip_suffix('}'));
        return Route {
            resource,
            parameters: name.zip(parameter).into_iter().collect(),
            function: *function,
        };
    }
    let rest = path.trim_start_matches('/');
    if rest.is_empty() {
        return Route { resource: "/", parameters: Vec::new(), function: Function::Catalog };
    }
    let proxy = percent_decode_str(rest).decode_utf8_lossy().into_owned();
    Route { resource: "/{proxy+}", parameters: vec![("proxy", proxy)], function: Function::Catalog }
}
