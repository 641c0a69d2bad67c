//! Finds the route of a request and the parameters that the gateway hands over with it.

use percent_encoding::percent_decode_str;
use unicreda::http::resolve::{Resolved, resolve};
pub use unicreda::http::routes::Function;

/// The route of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Route {
    /// The resource path.
    pub resource: &'static str,
    /// Path parameters, percent-decoded as by API Gateway.
    pub parameters: Vec<(&'static str, String)>,
    /// The function and its endpoint; `None` on a catch-all resource, which is the function
    /// `page`'s: it answers 404 or 405.
    pub function: Option<Function>,
}

impl Route {
    /// Returns the name of the function that answers, as deployed.
    pub fn function_name(&self) -> &'static str {
        self.function.map_or("page", Function::name)
    }
}

/// Finds the route of a request; a catch-all resource if its method and path have none.
pub fn find(method: &str, path: &str) -> Route {
    if let Resolved::Route(route, parameter) = resolve(method, path) {
        let name = route.path.split('/').find_map(|s| s.strip_prefix('{')?.strip_suffix('}'));
        return Route {
            resource: route.path,
            parameters: name.zip(parameter).into_iter().collect(),
            function: Some(route.function),
        };
    }
    let rest = path.trim_start_matches('/');
    if rest.is_empty() {
        return Route { resource: "/", parameters: Vec::new(), function: None };
    }
    let proxy = percent_decode_str(rest).decode_utf8_lossy().into_owned();
    Route { resource: "/{proxy+}", parameters: vec![("proxy", proxy)], function: None }
}
