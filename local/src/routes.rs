//! Which function answers which path: the REST API's resources, as `template.yaml` has them.

use percent_encoding::percent_decode_str;

/// A function behind the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Issues credentials.
    Issue,
    /// Tells how jobs stand.
    Jobs,
    /// Everything else under the API, and what no route names.
    Catalog,
    /// The public page of a credential.
    Page,
}

impl Function {
    /// Its name, as deployed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Jobs => "jobs",
            Self::Catalog => "catalog",
            Self::Page => "page",
        }
    }
}

/// Resources with their methods. A literal segment wins over a parameter because it stands first.
const ROUTES: &[(&str, &[&str], Function)] = &[
    ("/api/v1/credentials/issue", &["POST"], Function::Issue),
    ("/api/v1/jobs", &["GET"], Function::Jobs),
    ("/api/v1/jobs/{job_id}", &["GET"], Function::Jobs),
    ("/api/v1/jobs/{job_id}/results", &["GET"], Function::Jobs),
    ("/api/v1/templates", &["GET", "POST"], Function::Catalog),
    ("/api/v1/templates/{template_id}", &["GET", "PUT"], Function::Catalog),
    ("/api/v1/templates/{template_id}/archive", &["POST"], Function::Catalog),
    ("/api/v1/credentials", &["GET"], Function::Catalog),
    ("/api/v1/credentials/{credential_id}", &["GET"], Function::Catalog),
    ("/api/v1/credentials/{credential_id}/mail", &["GET"], Function::Catalog),
    ("/api/v1/members", &["GET"], Function::Catalog),
    ("/api/v1/members/import", &["POST"], Function::Catalog),
    ("/api/v1/members/{email}", &["GET", "PUT", "DELETE"], Function::Catalog),
    ("/api/v1/members/{email}/credentials", &["GET"], Function::Catalog),
    ("/api/v1/api-keys", &["GET", "POST"], Function::Catalog),
    ("/api/v1/api-keys/{key_id}", &["DELETE"], Function::Catalog),
    ("/api/v1/organization", &["GET", "PUT"], Function::Catalog),
    ("/credential/{credential_id}", &["GET"], Function::Page),
];

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub struct Route {
    /// The resource path.
    pub resource: &'static str,
    /// Parameters of the path, percent-decoded as API Gateway hands them over.
    pub parameters: Vec<(&'static str, String)>,
    /// Who answers.
    pub function: Function,
}

/// Finds the route of a request. What no resource and method names goes to the catalog
/// function through the catch-all resource, which answers 404 or 405.
pub fn find(method: &str, path: &str) -> Route {
    for (resource, methods, function) in ROUTES {
        if methods.contains(&method)
            && let Some(parameters) = matches(resource, path)
        {
            return Route { resource, parameters, function: *function };
        }
    }
    let rest = path.trim_start_matches('/');
    if rest.is_empty() {
        return Route { resource: "/", parameters: Vec::new(), function: Function::Catalog };
    }
    Route {
        resource: "/{proxy+}",
        parameters: vec![("proxy", decode(rest))],
        function: Function::Catalog,
    }
}

fn matches(resource: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut parameters = Vec::new();
    let mut given = path.split('/');
    for expected in resource.split('/') {
        let segment = given.next()?;
        match expected.strip_prefix('{').and_then(|e| e.strip_suffix('}')) {
            Some(_) if segment.is_empty() => return None,
            Some(name) => parameters.push((name, decode(segment))),
            None if expected == segment => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(parameters)
}

fn decode(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}
