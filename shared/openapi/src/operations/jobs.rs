//! The operations of the function `jobs`.

use unicreda::http::routes::Jobs;

use crate::{
    operation::Operation,
    schema::{of, page, string},
};

/// The operation of an endpoint.
#[expect(clippy::too_many_lines, reason = "a table of data")]
pub fn of_endpoint(endpoint: Jobs) -> Operation {
    match endpoint {
        Jobs::List => Operation::new("listJobs", "Jobs", "Lists jobs, newest first").answers(
            200,
            "A page of jobs",
            page(of("AnyJobSummary")),
        ),
        Jobs::Show => Operation::new("getJob", "Jobs", "Shows a job and its progress")
            .answers_with(
                200,
                "The job",
                &["Retry-After"],
                vec![("application/json", of("AnyJob"))],
            )
            .finds(),
        Jobs::Results => {
            Operation::new("listJobResults", "Jobs", "Lists the outcomes of a job's rows")
                .answers_with(
                    200,
                    "A page of rows; as CSV with `Accept: text/csv`",
                    &["X-Next-Cursor"],
                    vec![("application/json", page(of("ResultRow"))), ("text/csv", string())],
                )
                .finds()
        }
        Jobs::ResultsFile => {
            Operation::new("getJobResultsFile", "Jobs", "Returns a link to the results as a file")
                .answers(200, "The link", of("FileLink"))
                .finds()
                .conflicts()
        }
        Jobs::OrderCertificates => Operation::new(
            "orderJobCertificates",
            "Jobs",
            "Orders the certificates of a job as an archive",
        )
        .answers_with(
            202,
            "The order",
            &["Retry-After"],
            vec![("application/json", of("PrintOrder"))],
        )
        .finds()
        .conflicts(),
        Jobs::ShowCertificates => Operation::new(
            "getJobCertificates",
            "Jobs",
            "Shows the archive of a job's certificates",
        )
        .answers_with(
            200,
            "The order",
            &["Retry-After"],
            vec![("application/json", of("PrintOrder"))],
        )
        .finds(),
        Jobs::Retry => {
            Operation::new("retryJob", "Jobs", "Runs the failed rows and mails of a job again")
                .answers(200, "There is nothing to repeat", of("Retried"))
                .answers(202, "The job runs again", of("Retried"))
                .finds()
                .conflicts()
        }
        Jobs::Cancel => Operation::new("cancelJob", "Jobs", "Cancels a job")
            .answers(200, "The job", of("AnyJob"))
            .finds()
            .conflicts(),
        Jobs::Resend => {
            Operation::new("resendMail", "Credentials", "Sends the mail of a credential again")
                .answers(202, "It is sent", of("Resent"))
                .finds()
                .conflicts()
                .problem(410, &["erased"])
        }
        Jobs::CreateUpload => Operation::new(
            "createUpload",
            "Files",
            "Announces a file of recipients, and returns the URL that takes it",
        )
        .takes("UploadRequest")
        .answers(201, "Where the file goes", of("Announced"))
        .finds()
        .conflicts(),
        Jobs::CreateMembersUpload => Operation::new(
            "createMembersUpload",
            "Members",
            "Announces a file of members, and returns the URL that takes it",
        )
        .takes("MembersUploadRequest")
        .answers(201, "Where the file goes", of("Announced")),
        Jobs::ShowUpload => {
            Operation::new("getUpload", "Files", "Shows whether a file arrived, and its job")
                .answers(200, "The upload", of("Upload"))
                .finds()
        }
    }
}
