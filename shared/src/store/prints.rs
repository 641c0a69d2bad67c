//! Orders of certificates as an archive: one item a job and language, beside the job's own.
//!
//! The index `open` has them in a partition of their own, by the instant at which somebody has to look at them: to
//! work on, or to delete what they made. A former release sweeps other partitions, and leaves them alone.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use uuid::Uuid;

use super::{Item, StoreError, from_item, key, number, text, to_item};
use crate::{
    domain::{
        ids::JobId,
        job::FILE_LEASE,
        lang::Lang,
        print::{Drawn, PrintOrder, PrintState},
        time,
    },
    store::{
        jobs::{Jobs, job_of, job_pk},
        schema::{OPEN, TTL},
    },
};

/// Partition of the orders in the index of open jobs.
const PRINT_PK: &str = "PRINT";
/// Begin of an order's sort key.
const SK: &str = "PRINT#";

/// An order, as the index names it.
pub type PrintKey = (JobId, Lang);

fn print_key((job, lang): PrintKey) -> Item {
    key(job_pk(job), format!("{SK}{}", lang.tag()))
}

fn key_of(entry: &Item) -> Option<PrintKey> {
    let lang = entry.get("sk")?.as_s().ok()?.strip_prefix(SK)?;
    Some((job_of(entry)?, Lang::from_tag(lang)?))
}

fn value<T: serde::Serialize>(of: &T) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(of).map_err(|e| StoreError::Broken(e.to_string()))
}

/// The work of one process on an order, under its lease.
#[derive(Clone, Copy, Debug)]
pub struct PrintLease<'a> {
    /// The order.
    pub of: PrintKey,
    /// Token of the process.
    pub reader: &'a str,
    /// How many erasures had come when the process read what it is about to note.
    pub erasures: u64,
}

/// What is set when an order is withdrawn or fails: no process goes on with it.
const ENDED: &str =
    "SET print_state = :state, ended_at = :now, open_sk = :due REMOVE reader, reader_until, former";
/// The condition of a note: this process has the lease, and nobody was erased since it read.
const MINE: &str = "reader = :reader AND erasures = :erasures";

impl Jobs {
    /// An order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn print(&self, of: PrintKey) -> Result<Option<PrintOrder>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(print_key(of)));
        get.consistent_read(true).send().await?.item.map(from_item).transpose()
    }

    /// Writes a new order: in place of one that has ended, which no process opens again, or where there is none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another one came first.
    pub async fn put_print(
        &self,
        order: &PrintOrder,
        over: Option<Uuid>,
        now: &str,
    ) -> Result<(), StoreError> {
        let mut item = to_item(order)?;
        item.extend(print_key((order.job_id, order.lang)));
        let ttl = order.ttl().ok_or(StoreError::Broken("an order without an instant".into()))?;
        item.insert(TTL.to_owned(), number(ttl));
        item.insert(OPEN.partition.into(), text(PRINT_PK));
        item.insert(OPEN.sort.into(), text(now));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = match over {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(over) => put
                .condition_expression("attempt = :over")
                .expression_attribute_values(":over", text(over.to_string())),
        };
        put.send().await?;
        Ok(())
    }

    /// Takes the lease of an order on which work is left, and counts the try. `None` if another process has it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_print(
        &self,
        of: PrintKey,
        reader: &str,
        now: Timestamp,
    ) -> Result<Option<PrintOrder>, StoreError> {
        let values = vec![
            (":reader", text(reader)),
            (":now", number(now.as_second())),
            (":until", number(now.as_second() + FILE_LEASE)),
            (":due", text(due(now))),
            (":open", value(&PrintState::Open)?),
            (":one", number(1)),
        ];
        let set = "SET reader = :reader, reader_until = :until, open_sk = :due ADD tries :one";
        let only =
            "print_state = :open AND (attribute_not_exists(reader_until) OR reader_until < :now)";
        self.update_print(of, set, only, values).await
    }

    /// Notes how far an order is, and renews the lease. `None` if another process has it, or somebody was erased.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_print(
        &self,
        lease: PrintLease<'_>,
        order: &PrintOrder,
        now: Timestamp,
    ) -> Result<Option<PrintOrder>, StoreError> {
        let mut values = vec![
            (":reader", text(lease.reader)),
            (":erasures", number(lease.erasures)),
            (":drawn", value(&order.drawn)?),
            (":discarded", value(&order.discarded)?),
            (":until", number(now.as_second() + FILE_LEASE)),
            (":due", text(due(now))),
        ];
        let mut set =
            "SET drawn = :drawn, discarded = :discarded, reader_until = :until, open_sk = :due"
                .to_owned();
        // A part that is there is progress; an archive that is begun again is not.
        if order.drawn.pieces > 0 {
            values.push((":none", number(0)));
            set.push_str(", tries = :none");
        }
        let set = match &order.former {
            None => format!("{set} REMOVE former"),
            Some(former) => {
                values.push((":former", value(former)?));
                format!("{set}, former = :former")
            }
        };
        self.update_print(lease.of, &set, MINE, values).await
    }

    /// Renews the lease of an order. `None` if another process has it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_print(
        &self,
        lease: PrintLease<'_>,
        now: Timestamp,
    ) -> Result<Option<PrintOrder>, StoreError> {
        let values = vec![
            (":reader", text(lease.reader)),
            (":until", number(now.as_second() + FILE_LEASE)),
            (":due", text(due(now))),
        ];
        let set = "SET reader_until = :until, open_sk = :due";
        self.update_print(lease.of, set, "reader = :reader", values).await
    }

    /// Ends an order whose archive is there. `None` as of [`Self::note_print`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_print(
        &self,
        lease: PrintLease<'_>,
        (attempt, drawn, made_at): (Uuid, &Drawn, &str),
        deleted_at: &str,
    ) -> Result<Option<PrintOrder>, StoreError> {
        let values = vec![
            (":reader", text(lease.reader)),
            (":erasures", number(lease.erasures)),
            (":attempt", text(attempt.to_string())),
            (":drawn", value(drawn)?),
            (":state", value(&PrintState::Made)?),
            (":now", text(made_at)),
            (":due", text(deleted_at)),
        ];
        let set = "SET print_state = :state, attempt = :attempt, drawn = :drawn, made_at = :now, open_sk = :due REMOVE reader, reader_until, former";
        self.update_print(lease.of, set, MINE, values).await
    }

    /// Ends the lease of an order, if this process has it: the sweeper finds it at once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leave_print(
        &self,
        of: PrintKey,
        reader: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = vec![(":reader", text(reader)), (":due", text(time::millis(now)))];
        let set = "SET open_sk = :due REMOVE reader, reader_until";
        self.update_print(of, set, "reader = :reader", values).await?;
        Ok(())
    }

    /// Ends the lease of an order, whoever has it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_print(&self, of: PrintKey) -> Result<(), StoreError> {
        let values = Vec::new();
        self.update_print(of, "REMOVE reader, reader_until", "attribute_exists(pk)", values)
            .await?;
        Ok(())
    }

    /// Fails an order that this process works on. `None` if another process has the lease.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fail_print(
        &self,
        of: PrintKey,
        reader: &str,
        (now, due): (&str, &str),
    ) -> Result<Option<PrintOrder>, StoreError> {
        let values = vec![
            (":reader", text(reader)),
            (":state", value(&PrintState::Failed)?),
            (":now", text(now)),
            (":due", text(due)),
        ];
        self.update_print(of, ENDED, "reader = :reader", values).await
    }

    /// Notes that somebody was erased: what a process read before is not written any more. Returns the order as it is
    /// from then on; `None` if another one took its place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn erased_before(
        &self,
        of: PrintKey,
        attempt: Uuid,
    ) -> Result<Option<PrintOrder>, StoreError> {
        let values = vec![(":attempt", text(attempt.to_string())), (":one", number(1))];
        self.update_print(of, "ADD erasures :one", "attempt = :attempt", values).await
    }

    /// Withdraws an order. `None` if another one took its place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withdraw_print(
        &self,
        of: PrintKey,
        attempt: Uuid,
        (now, due): (&str, &str),
    ) -> Result<Option<PrintOrder>, StoreError> {
        let values = vec![
            (":attempt", text(attempt.to_string())),
            (":state", value(&PrintState::Withdrawn)?),
            (":now", text(now)),
            (":due", text(due)),
        ];
        self.update_print(of, ENDED, "attempt = :attempt", values).await
    }

    /// Deletes an order whose objects are deleted, unless another one took its place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_print(&self, of: PrintKey, attempt: Uuid) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.table);
        let deleted = delete
            .set_key(Some(print_key(of)))
            .condition_expression("attempt = :attempt")
            .expression_attribute_values(":attempt", text(attempt.to_string()))
            .send()
            .await;
        match deleted.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Orders that somebody has to look at before an instant; without one, all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn prints(&self, before: Option<&str>) -> Result<Vec<PrintKey>, StoreError> {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            // `~` sorts after every instant.
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(OPEN.name)
                .key_condition_expression("open_pk = :pk AND open_sk < :before")
                .expression_attribute_values(":pk", text(PRINT_PK))
                .expression_attribute_values(":before", text(before.unwrap_or("~")))
                .set_exclusive_start_key(start)
                .send()
                .await?;
            found.extend(page.items.unwrap_or_default().iter().filter_map(key_of));
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    async fn update_print(
        &self,
        of: PrintKey,
        expression: &str,
        condition: &str,
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<Option<PrintOrder>, StoreError> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(print_key(of)))
            .update_expression(expression)
            .condition_expression(condition)
            .return_values(ReturnValue::AllNew);
        for (name, value) in values {
            update = update.expression_attribute_values(name, value);
        }
        match update.send().await.map_err(StoreError::from) {
            Ok(answer) => answer.attributes.map(from_item).transpose(),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// When a lease that begins now has ended.
fn due(now: Timestamp) -> String {
    time::millis(Timestamp::from_second(now.as_second() + FILE_LEASE).unwrap_or(now))
}
