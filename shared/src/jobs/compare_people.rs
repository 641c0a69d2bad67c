//! In a dry run, the people of a job's rows are compared: the first row of each address and of
//! each name is noted, and every later one compared with that. So the cost a row is two updates,
//! however many rows there are and wherever they are read.
//!
//! Safe to repeat: the first row stays the first. When it comes again it is compared with itself, and
//! differs in nothing.

use futures::future::try_join;

use crate::{
    app::App,
    credentials::dry_run::Foreseen,
    domain::{
        identity::{self, IdSecret},
        spelling::{self, Known, Person},
        warning::{Elsewhere, Place},
    },
    jobs::messages::RowJob,
    store::{StoreError, job_rows::FirstRow},
};

/// Compares the person of a foreseen row with those of the rows before, and notes what seems to be
/// the same person.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn compare(
    app: &App,
    job: &RowJob,
    secret: &IdSecret,
    place: Place,
    foreseen: &mut Foreseen,
) -> Result<(), StoreError> {
    let Some(person) = foreseen.person().cloned() else { return Ok(()) };
    let Person { address, name, external_id } = &person;
    let of_address = identity::email_key(secret, &job.org, job.mode, address);
    let by_address = FirstRow { place, content: name.clone() };
    // An address has no blank.
    let content = format!("{} {}", address.as_str(), external_id.as_deref().unwrap_or_default());
    let by_name = FirstRow { place, content };
    let of_name =
        spelling::key(name).map(|key| identity::name_key(secret, &job.org, job.mode, &key));
    let named = async {
        match &of_name {
            Some(of) => app.jobs.first_of(job.job_id, of, &by_name, job.ttl).await.map(Some),
            None => Ok(None),
        }
    };
    let addressed = app.jobs.first_of(job.job_id, &of_address, &by_address, job.ttl);
    let (addressed, named) = try_join(addressed, named).await?;
    let Place { row, line: at_line } = addressed.place;
    let known = Known { at: Elsewhere::Row(row), at_line, name: &addressed.content };
    person.beside(&known).into_iter().for_each(|(alike, _)| foreseen.note(alike));
    if let Some(first) = named
        && let Some((other, id)) = first.content.split_once(' ')
    {
        let id = Some(id).filter(|id| !id.is_empty());
        person.namesake(first.place, other, id).into_iter().for_each(|alike| foreseen.note(alike));
    }
    Ok(())
}
