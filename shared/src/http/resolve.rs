//! Finds the route of a method and path.

use crate::http::routes::{Access, ROUTES, Route};

/// The result of looking up a method and path.
#[derive(Debug, PartialEq, Eq)]
pub enum Resolved {
    /// A route, and the values of its parameters, percent-decoded, with a slash between.
    Route(&'static Route, Option<String>),
    /// The path exists, with these methods, comma-separated.
    OtherMethods(String),
    /// No route has this path.
    Nothing,
}

/// Finds the route of a method and path. Literal paths come before parameters, as in API
/// Gateway.
pub fn resolve(method: &str, path: &str) -> Resolved {
    let mut best: Vec<(&'static Route, Option<String>)> = Vec::new();
    for route in ROUTES {
        let Some(parameter) = matches(route.path, path) else {
            continue;
        };
        match (&parameter, best.first().map(|(_, p)| p.is_some())) {
            (None, Some(true)) => best.clear(),
            (Some(_), Some(false)) => continue,
            _ => {}
        }
        best.push((route, parameter));
    }
    if best.is_empty() {
        return Resolved::Nothing;
    }
    let mut methods: Vec<&str> = best.iter().map(|(route, _)| route.method).collect();
    // The gateway drops the body of an answer to HEAD.
    let bodiless = best.iter().any(|(route, _)| has_head(route));
    if bodiless {
        methods.push("HEAD");
    }
    let allowed = methods.join(", ");
    let method = if method == "HEAD" && bodiless { "GET" } else { method };
    match best.into_iter().find(|(route, _)| route.method == method) {
        Some((route, parameter)) => Resolved::Route(route, parameter),
        None => Resolved::OtherMethods(allowed),
    }
}

/// Whether a route answers HEAD too: whatever is read on the public side.
fn has_head(route: &Route) -> bool {
    route.method == "GET" && route.access == Access::Public
}

/// Compares a path with a pattern: `Some` if it follows it, with the values of its parameters.
fn matches(pattern: &str, path: &str) -> Option<Option<String>> {
    let mut parameter: Option<String> = None;
    let (mut want, mut have) = (pattern.split('/'), path.split('/'));
    loop {
        match (want.next(), have.next()) {
            (None, None) => return Some(parameter),
            (Some(want), Some(have)) if want.starts_with('{') && !have.is_empty() => {
                let value = percent_decoded(have);
                parameter = Some(match parameter {
                    None => value,
                    Some(before) => format!("{before}/{value}"),
                });
            }
            (Some(want), Some(have)) if want == have => {}
            _ => return None,
        }
    }
}

/// Decodes `%40` and the like; a `+` is a plus. A segment that is no UTF-8 is kept undecoded.
fn percent_decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let pair = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match pair.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| segment.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_routes() {
        let route = |method, path| match resolve(method, path) {
            Resolved::Route(route, parameter) => (route.path, parameter),
            other => panic!("{method} {path}: {other:?}"),
        };
        assert_eq!(route("POST", "/api/v1/members/import").0, "/api/v1/members/import");
        assert_eq!(
            route("GET", "/api/v1/members/ana%2Btag%40ejemplo.com/credentials"),
            ("/api/v1/members/{email}/credentials", Some("ana+tag@ejemplo.com".into()))
        );
        assert_eq!(
            route("GET", "/orgs/demo/achievements/7").1,
            Some("demo/7".into()),
            "two parameters"
        );
        assert_eq!(
            route("GET", "/api/v1/members/ana+tag@ejemplo.com").1,
            Some("ana+tag@ejemplo.com".into())
        );
    }

    #[test]
    fn a_known_path_with_another_method_names_its_methods() {
        assert_eq!(
            resolve("PATCH", "/api/v1/templates"),
            Resolved::OtherMethods("GET, POST".into())
        );
        assert_eq!(
            resolve("GET", "/api/v1/credentials/issue"),
            Resolved::OtherMethods("POST".into())
        );
        for path in ["", "//", "/api/v1", "/api/v1/jobs/", "/api/v1/jobs//results", "/api/v2/jobs"]
        {
            assert_eq!(resolve("GET", path), Resolved::Nothing, "{path}");
        }
    }
}
