//! The routes of the service and the endpoint that answers each. `infra/check_template.py`
//! compares them with `template.yaml`.
//!
//! A function matches the enum of its endpoints exhaustively, so a route without an answer does
//! not compile.

/// The Lambda functions that answer HTTP, each with its endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `issue`.
    Issue(Issue),
    /// `jobs`.
    Jobs(Jobs),
    /// `amend`.
    Amend(Amend),
    /// `catalog`; it also answers every path that is no route.
    Catalog(Catalog),
    /// `page`.
    Page(Page),
    /// `render`.
    Render(Render),
}

impl Function {
    /// Returns the name, as deployed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Issue(_) => "issue",
            Self::Jobs(_) => "jobs",
            Self::Amend(_) => "amend",
            Self::Catalog(_) => "catalog",
            Self::Page(_) => "page",
            Self::Render(_) => "render",
        }
    }
}

/// The endpoints of the function `issue`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issue {
    /// Issues one recipient at once, or accepts many as a job.
    Submit,
}

/// The endpoints of the function `jobs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jobs {
    /// Lists jobs, newest first.
    List,
    /// Shows a job and its progress.
    Show,
    /// Lists the outcomes of a job's rows.
    Results,
    /// Returns a link to the results as a file.
    ResultsFile,
    /// Runs the failed rows of a job again.
    Retry,
    /// Cancels a job.
    Cancel,
    /// Sends the mail of a credential again.
    Resend,
    /// Announces a file and returns the URL that takes it.
    CreateUpload,
    /// Shows an upload.
    ShowUpload,
}

/// The endpoints of the function `amend`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amend {
    /// Revokes a list of credentials as a job.
    RevokeMany,
    /// Corrects a credential.
    Correct,
    /// Revokes a credential.
    Revoke,
    /// Suspends a credential.
    Suspend,
    /// Reinstates a suspended credential.
    Reinstate,
    /// Lists the signing keys.
    ListSigningKeys,
    /// Replaces the key that signs.
    RotateSigningKey,
    /// Declares a retired key compromised.
    CompromiseSigningKey,
    /// Begins a status list.
    BeginStatusList,
}

/// The endpoints of the function `catalog`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Catalog {
    /// Lists templates.
    ListTemplates,
    /// Creates a template.
    CreateTemplate,
    /// Shows a template.
    ShowTemplate,
    /// Replaces the definition of a template.
    PutTemplate,
    /// Archives a template.
    ArchiveTemplate,
    /// Returns an example of the files that a template takes.
    TemplateCsv,
    /// Lists credentials, newest first.
    ListCredentials,
    /// Shows a credential and its history.
    ShowCredential,
    /// Shows the mail of a test credential.
    TestMail,
    /// Verifies a document.
    Verify,
    /// Lists members.
    ListMembers,
    /// Imports members from a CSV file.
    ImportMembers,
    /// Shows a member.
    ShowMember,
    /// Creates or replaces a member.
    PutMember,
    /// Deletes a member.
    DeleteMember,
    /// Lists the credentials of a member.
    MemberCredentials,
    /// Lists the suppressed addresses.
    ListSuppressions,
    /// Removes an address from the suppression list.
    RemoveSuppression,
    /// Lists API keys.
    ListApiKeys,
    /// Creates an API key.
    CreateApiKey,
    /// Revokes an API key.
    RevokeApiKey,
    /// Shows the organization.
    ShowOrganization,
    /// Replaces the settings of the organization.
    PutOrganization,
}

/// The endpoints of the function `page`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Serves a status list.
    StatusList,
    /// Serves the DID document of an organization.
    DidDocument,
    /// Serves the DID document of its test credentials.
    TestDidDocument,
    /// Serves the DID document of the site.
    SiteDidDocument,
    /// Serves an image of an organization.
    Image,
    /// Shows the wallet of a member.
    Wallet,
    /// Shows the console.
    Console,
    /// Draws the address of a credential as a QR code.
    QrCode,
    /// Shows a credential, or serves its signed document.
    Credential,
}

/// The endpoints of the function `render`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Render {
    /// Draws the certificate as PDF.
    Certificate,
    /// Bakes the credential into its badge.
    Badge,
    /// Draws the preview of a link.
    Preview,
}

/// The endpoints of one function: it serves these and no others.
pub trait Endpoints: Copy {
    /// Returns the endpoint if it is one of this function.
    fn of(function: Function) -> Option<Self>;
}

/// Implements [`Endpoints`] for the enum of each function.
macro_rules! endpoints {
    ($($name:ident)*) => {
        $(impl Endpoints for $name {
            fn of(function: Function) -> Option<Self> {
                match function {
                    Function::$name(endpoint) => Some(endpoint),
                    _ => None,
                }
            }
        })*
    };
}

endpoints! { Issue Jobs Amend Catalog Page Render }

/// Method, path and endpoint of a route.
pub type Route = (&'static str, &'static str, Function);

/// All routes, one a line: `infra/check_template.py` reads them here.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    ("POST", "/api/v1/credentials/issue", Function::Issue(Issue::Submit)),
    ("GET", "/api/v1/jobs", Function::Jobs(Jobs::List)),
    ("GET", "/api/v1/jobs/{job_id}", Function::Jobs(Jobs::Show)),
    ("GET", "/api/v1/jobs/{job_id}/results", Function::Jobs(Jobs::Results)),
    ("GET", "/api/v1/jobs/{job_id}/results/file", Function::Jobs(Jobs::ResultsFile)),
    ("POST", "/api/v1/jobs/{job_id}/retry", Function::Jobs(Jobs::Retry)),
    ("POST", "/api/v1/jobs/{job_id}/cancel", Function::Jobs(Jobs::Cancel)),
    ("POST", "/api/v1/credentials/{credential_id}/resend", Function::Jobs(Jobs::Resend)),
    ("POST", "/api/v1/uploads", Function::Jobs(Jobs::CreateUpload)),
    ("GET", "/api/v1/uploads/{upload_id}", Function::Jobs(Jobs::ShowUpload)),
    ("POST", "/api/v1/credentials/revoke", Function::Amend(Amend::RevokeMany)),
    ("PATCH", "/api/v1/credentials/{credential_id}", Function::Amend(Amend::Correct)),
    ("POST", "/api/v1/credentials/{credential_id}/revoke", Function::Amend(Amend::Revoke)),
    ("POST", "/api/v1/credentials/{credential_id}/suspend", Function::Amend(Amend::Suspend)),
    ("POST", "/api/v1/credentials/{credential_id}/reinstate", Function::Amend(Amend::Reinstate)),
    ("GET", "/api/v1/signing-keys", Function::Amend(Amend::ListSigningKeys)),
    ("POST", "/api/v1/signing-keys", Function::Amend(Amend::RotateSigningKey)),
    ("POST", "/api/v1/signing-keys/{multikey}/compromise", Function::Amend(Amend::CompromiseSigningKey)),
    ("POST", "/api/v1/status-lists", Function::Amend(Amend::BeginStatusList)),
    ("GET", "/api/v1/templates", Function::Catalog(Catalog::ListTemplates)),
    ("POST", "/api/v1/templates", Function::Catalog(Catalog::CreateTemplate)),
    ("GET", "/api/v1/templates/{template_id}", Function::Catalog(Catalog::ShowTemplate)),
    ("PUT", "/api/v1/templates/{template_id}", Function::Catalog(Catalog::PutTemplate)),
    ("POST", "/api/v1/templates/{template_id}/archive", Function::Catalog(Catalog::ArchiveTemplate)),
    ("GET", "/api/v1/templates/{template_id}/csv", Function::Catalog(Catalog::TemplateCsv)),
    ("GET", "/api/v1/credentials", Function::Catalog(Catalog::ListCredentials)),
    ("GET", "/api/v1/credentials/{credential_id}", Function::Catalog(Catalog::ShowCredential)),
    ("GET", "/api/v1/credentials/{credential_id}/mail", Function::Catalog(Catalog::TestMail)),
    ("GET", "/api/v1/members", Function::Catalog(Catalog::ListMembers)),
    ("POST", "/api/v1/members/import", Function::Catalog(Catalog::ImportMembers)),
    ("GET", "/api/v1/members/{email}", Function::Catalog(Catalog::ShowMember)),
    ("PUT", "/api/v1/members/{email}", Function::Catalog(Catalog::PutMember)),
    ("DELETE", "/api/v1/members/{email}", Function::Catalog(Catalog::DeleteMember)),
    ("GET", "/api/v1/members/{email}/credentials", Function::Catalog(Catalog::MemberCredentials)),
    ("GET", "/api/v1/suppressions", Function::Catalog(Catalog::ListSuppressions)),
    ("DELETE", "/api/v1/suppressions/{email}", Function::Catalog(Catalog::RemoveSuppression)),
    ("GET", "/api/v1/api-keys", Function::Catalog(Catalog::ListApiKeys)),
    ("POST", "/api/v1/api-keys", Function::Catalog(Catalog::CreateApiKey)),
    ("DELETE", "/api/v1/api-keys/{key_id}", Function::Catalog(Catalog::RevokeApiKey)),
    ("GET", "/api/v1/organization", Function::Catalog(Catalog::ShowOrganization)),
    ("PUT", "/api/v1/organization", Function::Catalog(Catalog::PutOrganization)),
    ("POST", "/api/v1/verify", Function::Catalog(Catalog::Verify)),
    ("GET", "/status/{list_id}", Function::Page(Page::StatusList)),
    ("GET", "/orgs/{org}/did.json", Function::Page(Page::DidDocument)),
    ("GET", "/orgs/{org}/test/did.json", Function::Page(Page::TestDidDocument)),
    ("GET", "/.well-known/did.json", Function::Page(Page::SiteDidDocument)),
    ("GET", "/images/{image}", Function::Page(Page::Image)),
    ("GET", "/wallet/{token}", Function::Page(Page::Wallet)),
    ("GET", "/console", Function::Page(Page::Console)),
    ("GET", "/credential/{credential_id}/qr.svg", Function::Page(Page::QrCode)),
    ("GET", "/credential/{credential_id}/certificate.pdf", Function::Render(Render::Certificate)),
    ("GET", "/credential/{credential_id}/badge.png", Function::Render(Render::Badge)),
    ("GET", "/credential/{credential_id}/preview.png", Function::Render(Render::Preview)),
    ("GET", "/credential/{credential_id}", Function::Page(Page::Credential)),
    // Mail scanners send it; the gateway drops the body.
    ("HEAD", "/credential/{credential_id}", Function::Page(Page::Credential)),
];

/// The result of looking up a method and path.
#[derive(Debug, PartialEq, Eq)]
pub enum Resolved {
    /// A route, and the value of its parameter, percent-decoded.
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

/// Compares a path with a pattern: `Some` if it follows it, with the value of its parameter.
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
