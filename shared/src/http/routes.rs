//! Every route of the service and the function that answers it, as `template.yaml`
//! declares them (a check compares the two).

/// A Lambda function that answers HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `issue`
    Issue,
    /// `jobs`
    Jobs,
    /// `catalog`; it also answers every path that nobody has.
    Catalog,
    /// `page`
    Page,
    /// `amend`
    Amend,
    /// `render`
    Render,
}

impl Function {
    /// Its name, as deployed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Jobs => "jobs",
            Self::Catalog => "catalog",
            Self::Page => "page",
            Self::Amend => "amend",
            Self::Render => "render",
        }
    }
}

/// Method, path and function of a route.
pub type Route = (&'static str, &'static str, Function);

/// All routes, one a line: `infra/check_template.py` reads them here.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    ("POST", "/api/v1/credentials/issue", Function::Issue),
    ("GET", "/api/v1/jobs", Function::Jobs),
    ("GET", "/api/v1/jobs/{job_id}", Function::Jobs),
    ("GET", "/api/v1/jobs/{job_id}/results", Function::Jobs),
    ("GET", "/api/v1/jobs/{job_id}/results/file", Function::Jobs),
    ("POST", "/api/v1/jobs/{job_id}/retry", Function::Jobs),
    ("POST", "/api/v1/jobs/{job_id}/cancel", Function::Jobs),
    ("POST", "/api/v1/credentials/{credential_id}/resend", Function::Jobs),
    ("POST", "/api/v1/uploads", Function::Jobs),
    ("GET", "/api/v1/uploads/{upload_id}", Function::Jobs),
    ("POST", "/api/v1/credentials/revoke", Function::Amend),
    ("PATCH", "/api/v1/credentials/{credential_id}", Function::Amend),
    ("POST", "/api/v1/credentials/{credential_id}/revoke", Function::Amend),
    ("POST", "/api/v1/credentials/{credential_id}/suspend", Function::Amend),
    ("POST", "/api/v1/credentials/{credential_id}/reinstate", Function::Amend),
    ("GET", "/api/v1/signing-keys", Function::Amend),
    ("POST", "/api/v1/signing-keys", Function::Amend),
    ("POST", "/api/v1/signing-keys/{multikey}/compromise", Function::Amend),
    ("POST", "/api/v1/status-lists", Function::Amend),
    ("GET", "/api/v1/templates", Function::Catalog),
    ("POST", "/api/v1/templates", Function::Catalog),
    ("GET", "/api/v1/templates/{template_id}", Function::Catalog),
    ("PUT", "/api/v1/templates/{template_id}", Function::Catalog),
    ("POST", "/api/v1/templates/{template_id}/archive", Function::Catalog),
    ("GET", "/api/v1/templates/{template_id}/csv", Function::Catalog),
    ("GET", "/api/v1/credentials", Function::Catalog),
    ("GET", "/api/v1/credentials/{credential_id}", Function::Catalog),
    ("GET", "/api/v1/credentials/{credential_id}/mail", Function::Catalog),
    ("GET", "/api/v1/members", Function::Catalog),
    ("POST", "/api/v1/members/import", Function::Catalog),
    ("GET", "/api/v1/members/{email}", Function::Catalog),
    ("PUT", "/api/v1/members/{email}", Function::Catalog),
    ("DELETE", "/api/v1/members/{email}", Function::Catalog),
    ("GET", "/api/v1/members/{email}/credentials", Function::Catalog),
    ("GET", "/api/v1/suppressions", Function::Catalog),
    ("DELETE", "/api/v1/suppressions/{email}", Function::Catalog),
    ("GET", "/api/v1/api-keys", Function::Catalog),
    ("POST", "/api/v1/api-keys", Function::Catalog),
    ("DELETE", "/api/v1/api-keys/{key_id}", Function::Catalog),
    ("GET", "/api/v1/organization", Function::Catalog),
    ("PUT", "/api/v1/organization", Function::Catalog),
    ("POST", "/api/v1/verify", Function::Catalog),
    ("GET", "/status/{list_id}", Function::Page),
    ("GET", "/orgs/{org}/did.json", Function::Page),
    ("GET", "/orgs/{org}/test/did.json", Function::Page),
    ("GET", "/.well-known/did.json", Function::Page),
    ("GET", "/images/{image}", Function::Page),
    ("GET", "/wallet/{token}", Function::Page),
    ("GET", "/console", Function::Page),
    ("GET", "/credential/{credential_id}/qr.svg", Function::Page),
    ("GET", "/credential/{credential_id}/certificate.pdf", Function::Render),
    ("GET", "/credential/{credential_id}/badge.png", Function::Render),
    ("GET", "/credential/{credential_id}/preview.png", Function::Render),
    ("GET", "/credential/{credential_id}", Function::Page),
    // Mail scanners ask so; the gateway drops the body.
    ("HEAD", "/credential/{credential_id}", Function::Page),
];

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Resolved {
    /// A route, and the value of its parameter, percent-decoded.
    Route(&'static Route, Option<String>),
    /// The path exists, with these methods.
    OtherMethods(String),
    /// Nobody has this path.
    Nothing,
}

/// Finds the route of a method and path. Literal paths come before parameters, as in API
/// Gateway.
pub fn resolve(method: &str, path: &str) -> Resolved {
    let mut best: Vec<(&'static Route, Option<String>)> = Vec::new();
    for route in ROUTES {
        let Some(parameter) = matches(route.1, path) else {
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
    let methods: Vec<&str> = best.iter().map(|(route, _)| route.0).collect();
    let allowed = methods.join(", ");
    match best.into_iter().find(|(route, _)| route.0 == method) {
        Some((route, parameter)) => Resolved::Route(route, parameter),
        None => Resolved::OtherMethods(allowed),
    }
}

/// Whether a path follows a pattern; if so, the value of its parameter.
fn matches(pattern: &str, path: &str) -> Option<Option<String>> {
    let mut parameter = None;
    let (mut want, mut have) = (pattern.split('/'), path.split('/'));
    loop {
        match (want.next(), have.next()) {
            (None, None) => return Some(parameter),
            (Some(want), Some(have)) if want.starts_with('{') && !have.is_empty() => {
                parameter = Some(percent_decoded(have));
            }
            (Some(want), Some(have)) if want == have => {}
            _ => return None,
        }
    }
}

/// Decodes `%40` and the like; a `+` is a plus. What is no UTF-8 stays as it is.
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
            Resolved::Route(route, parameter) => (route.1, parameter),
            other => panic!("{method} {path}: {other:?}"),
        };
        assert_eq!(route("POST", "/api/v1/members/import").0, "/api/v1/members/import");
        assert_eq!(
            route("GET", "/api/v1/members/ana%2Btag%40ejemplo.com/credentials"),
            ("/api/v1/members/{email}/credentials", Some("ana+tag@ejemplo.com".into()))
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
        for path in ["/", "", "/api/v1", "/api/v1/jobs/", "/api/v1/jobs//results", "/api/v2/jobs"] {
            assert_eq!(resolve("GET", path), Resolved::Nothing, "{path}");
        }
    }
}
