//! What each route takes and answers. A route without its line here does not compile.

mod amend;
mod catalog;
mod jobs;
mod public;

use unicreda::http::routes::{Function, Issue, Route};

use crate::{
    operation::Operation,
    schema::{of, one_of},
};

/// The operation of a route.
pub fn of_route(route: &Route) -> Operation {
    match route.function {
        Function::Issue(Issue::Submit) => {
            let answer = one_of([of("IssuedAtOnce"), of("DryRun")]);
            Operation::new(
                "issueCredentials",
                "Credentials",
                "Issues to one recipient at once, to more as a job",
            )
            .takes("IssueRequest")
            .idempotent()
            .answers(200, "The outcome of one recipient, or a dry run", answer)
            .accepts()
            .finds()
            .conflicts()
            .problem(413, &["too_many_recipients"])
        }
        Function::Jobs(endpoint) => jobs::of_endpoint(endpoint),
        Function::Amend(endpoint) => amend::of_endpoint(endpoint),
        Function::Catalog(endpoint) => catalog::of_catalog(endpoint),
        Function::Page(endpoint) => public::of_page(endpoint),
        Function::Render(endpoint) => public::of_render(endpoint),
        Function::Claim(endpoint) => public::of_claim(endpoint),
    }
}
