//! The file: its layout, its checks, its transactions.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use crate::log::evicted::EvictedMarks;
use crate::log::history::{Epoch, History};
use crate::log::retention::Budgets;
use crate::log::stage::{Envelopes, Staged};
use crate::log::window::Window;
use crate::log::{Envelope, Key, Record, Retention, TopicRetention};

use super::{Durability, OpenError, Options};

/// Tells the file from those of other programs: `SSEl`.
const APPLICATION_ID: i32 = 0x5353_456c;

const VERSION: i32 = 1;

/// No name is empty: an empty one stands for none.
const LAYOUT: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY,
        topic TEXT NOT NULL,
        type TEXT NOT NULL,
        session TEXT NOT NULL,
        published INTEGER NOT NULL,
        expires INTEGER,
        publisher TEXT NOT NULL,
        key TEXT NOT NULL,
        block BLOB NOT NULL
    );
    CREATE TABLE marks (
        topic TEXT NOT NULL,
        type TEXT NOT NULL,
        session TEXT NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (topic, type, session)
    ) WITHOUT ROWID;";

#[derive(Debug)]
pub(super) struct File {
    connection: Connection,
    path: std::path::PathBuf,
    /// As last written.
    overflow: u64,
    /// Held as long as the log is in use.
    _lock: std::fs::File,
}

/// One transaction.
#[derive(Debug)]
pub(super) struct Changes<'a> {
    pub(super) head: u64,
    pub(super) records: &'a [Staged],
    pub(super) gone: &'a [u64],
    pub(super) marks: Vec<(&'a Arc<Envelope>, u64)>,
    pub(super) overflow: u64,
    pub(super) passed_over: u64,
}

type Opened = (File, History, Vec<(u64, Record)>);

impl File {
    /// The file, what it holds, and what of that is evicted by the retention
    /// that holds now.
    pub(super) fn open(
        options: &Options,
        retention: Retention,
        topics: &[TopicRetention],
    ) -> Result<Opened, OpenError> {
        let path = &options.path;
        let io = |error: &dyn std::fmt::Display| OpenError::Io {
            path: path.clone(),
            cause: error.to_string(),
        };
        if path.is_dir() {
            // Before a file to lock is made beside it.
            return Err(io(&"it is a directory, not a file"));
        }
        let lock = lock(path)?;
        if std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
            check(path)?;
        }
        let mut connection = Connection::open(path).map_err(|error| io(&error))?;
        if connection.is_readonly("main").map_err(|error| io(&error))? {
            return Err(io(&"it can only be read"));
        }
        prepare(&mut connection, options.durability).map_err(|error| io(&error))?;
        let window = Window::new(Budgets::new(retention, topics), Some(options.memory));
        let (history, evicted) =
            load(&connection, window, options.memory).map_err(|error| OpenError::NotALog {
                path: path.clone(),
                problem: format!("is not a readable log ({error})"),
            })?;
        let file = Self {
            connection,
            path: path.clone(),
            overflow: 0,
            _lock: lock,
        };
        Ok((file, history, evicted))
    }

    /// A connection to read from another thread.
    pub(super) fn reader(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY)?;
        Ok(connection)
    }

    /// All of it or nothing.
    pub(super) fn write(&mut self, changes: &Changes<'_>) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
            for Staged { seq, record, .. } in changes.records {
                let envelope = &record.envelope;
                // Live only: after a restart nobody is owed it.
                if envelope.connection.is_some() {
                    continue;
                }
                let key = record.key.as_deref();
                insert.execute(params![
                    seq.cast_signed(),
                    none_as_empty(envelope.topic.as_deref()),
                    envelope.event_type,
                    none_as_empty(envelope.session.as_deref()),
                    record.published.cast_signed(),
                    record.expires.map(u64::cast_signed),
                    none_as_empty(key.and_then(|key| key.publisher.as_deref())),
                    none_as_empty(key.map(|key| key.key.as_str())),
                    record.block.as_deref().unwrap_or_default(),
                ])?;
            }
            let mut delete = transaction.prepare_cached("DELETE FROM events WHERE seq = ?1")?;
            for seq in changes.gone {
                delete.execute([seq.cast_signed()])?;
            }
            let mut mark = transaction
                .prepare_cached("INSERT OR REPLACE INTO marks VALUES (?1, ?2, ?3, ?4)")?;
            for (envelope, seq) in &changes.marks {
                mark.execute(params![
                    none_as_empty(envelope.topic.as_deref()),
                    envelope.event_type,
                    none_as_empty(envelope.session.as_deref()),
                    seq.cast_signed(),
                ])?;
            }
            // Whoever asks for what is marked below is alarmed by the mark that
            // all share.
            if changes.overflow > self.overflow {
                transaction.execute(
                    "DELETE FROM marks WHERE seq <= ?1",
                    [changes.overflow.cast_signed()],
                )?;
            }
            let mut note =
                transaction.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?;
            for (name, value) in [
                ("head", changes.head),
                ("overflow", changes.overflow),
                ("passed_over", changes.passed_over),
            ] {
                note.execute(params![name, value.cast_signed()])?;
            }
        }
        transaction.commit()?;
        self.overflow = changes.overflow;
        Ok(())
    }

    /// Writes as many bytes as this, and deletes them again.
    pub(super) fn probe(&self, bytes: usize) -> rusqlite::Result<()> {
        let bytes = i64::try_from(bytes.max(4096)).unwrap_or(i64::MAX);
        self.connection.execute(
            "INSERT OR REPLACE INTO meta VALUES ('probe', zeroblob(?1))",
            [bytes],
        )?;
        self.connection
            .execute("DELETE FROM meta WHERE name = 'probe'", [])?;
        Ok(())
    }
}

/// What the write-ahead log is cut down to after a large transaction.
const WAL_KEPT: i64 = 16 << 20;

const BUSY: std::time::Duration = std::time::Duration::from_secs(5);

fn none_as_empty(name: Option<&str>) -> &str {
    name.unwrap_or_default()
}

fn empty_as_none(name: String) -> Option<String> {
    Some(name).filter(|name| !name.is_empty())
}

/// One server for one file: a second would give the same numbers.
fn lock(path: &Path) -> Result<std::fs::File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push("-lock");
    let opened = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(name);
    let io = |error: &std::io::Error| OpenError::Io {
        path: path.to_owned(),
        cause: error.to_string(),
    };
    let file = opened.map_err(|error| io(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse {
            path: path.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(error)) => Err(io(&error)),
    }
}

/// Refuses what is not a sound log, without a change to it.
fn check(path: &Path) -> Result<(), OpenError> {
    let refuse = |problem: String| OpenError::NotALog {
        path: path.to_owned(),
        problem,
    };
    let damaged = |error: rusqlite::Error| refuse(format!("is not a sound log ({error})"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| OpenError::Io {
        path: path.to_owned(),
        cause: error.to_string(),
    })?;
    connection.busy_timeout(BUSY).map_err(damaged)?;
    let pragma = |name: &str| -> Result<i32, OpenError> {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .map_err(damaged)
    };
    if pragma("application_id")? != APPLICATION_ID {
        return Err(refuse("is a database of another program".to_owned()));
    }
    let version = pragma("user_version")?;
    if version != VERSION {
        return Err(refuse(format!(
            "has version {version}, and this program reads version {VERSION}"
        )));
    }
    // `SQLite` reads the missing end of a last page as zeros.
    let page = u64::from(pragma("page_size")?.unsigned_abs());
    let length = std::fs::metadata(path).map_or(0, |file| file.len());
    if !length.is_multiple_of(page) {
        return Err(refuse("is damaged (it is cut short)".to_owned()));
    }
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(damaged)?;
    if verdict != "ok" {
        let verdict = verdict.replace('\n', " ");
        return Err(refuse(format!("is damaged ({verdict})")));
    }
    Ok(())
}

fn prepare(connection: &mut Connection, durability: Durability) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "journal_size_limit", WAL_KEPT)?;
    connection.pragma_update(
        None,
        "synchronous",
        match durability {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        },
    )?;
    let transaction = connection.transaction()?;
    let is_new: bool = transaction.query_row(
        "SELECT count(*) = 0 FROM sqlite_schema WHERE name = 'meta'",
        [],
        |row| row.get(0),
    )?;
    if is_new {
        transaction.execute_batch(LAYOUT)?;
        transaction.execute(
            "INSERT INTO meta VALUES ('epoch', ?1)",
            [Epoch::random().as_str()],
        )?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

fn load(
    connection: &Connection,
    mut window: Window,
    memory: usize,
) -> rusqlite::Result<(History, Vec<(u64, Record)>)> {
    let epoch: String =
        connection.query_row("SELECT value FROM meta WHERE name = 'epoch'", [], |row| {
            row.get(0)
        })?;
    let epoch = Epoch::parse(&epoch).ok_or(rusqlite::Error::InvalidQuery)?;
    let number = |name: &str| -> rusqlite::Result<u64> {
        let mut select = connection.prepare("SELECT value FROM meta WHERE name = ?1")?;
        let value = select.query_row([name], |row| natural(row, 0)).optional()?;
        Ok(value.unwrap_or(0))
    };
    let mut envelopes = Envelopes::default();
    marks(connection, &mut envelopes, window.marks_mut())?;
    window.marks_mut().set_overflow(number("overflow")?);
    window.marks_mut().pass_over(number("passed_over")?);
    let head = number("head")?;
    let newest = connection.query_row(
        "SELECT coalesce(max(published), 0) FROM events",
        [],
        |row| natural(row, 0),
    )?;
    let history = History::new(epoch, window, newest);
    let mut evicted = Vec::new();
    {
        let mut window = history.window_mut();
        let mut select = connection.prepare(
            "SELECT seq, topic, type, session, published, expires, publisher, key, length(block), \
             CASE key WHEN '' THEN NULL ELSE block END FROM events ORDER BY seq",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (seq, record) = record(row, &mut envelopes)?;
            let block: Option<Vec<u8>> = row.get(9)?;
            let content = block.map(|block| history.digest(&block, &record.envelope));
            window.push(seq, record, content, &mut evicted);
        }
        let newest = window.head();
        window.set_head(head.max(newest));
        recent(connection, &mut window, memory)?;
        window.count_resident();
    }
    history.mark_evicted(&evicted);
    evicted.extend(history.age());
    Ok((history, evicted))
}

fn marks(
    connection: &Connection,
    envelopes: &mut Envelopes,
    marks: &mut EvictedMarks,
) -> rusqlite::Result<()> {
    let mut select = connection.prepare("SELECT topic, type, session, seq FROM marks")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let envelope = envelopes.share(Envelope {
            topic: empty_as_none(row.get(0)?),
            event_type: row.get(1)?,
            session: empty_as_none(row.get(2)?),
            connection: None,
        });
        marks.mark(&envelope, natural(row, 3)?);
    }
    Ok(())
}

fn record(row: &Row<'_>, envelopes: &mut Envelopes) -> rusqlite::Result<(u64, Record)> {
    let envelope = envelopes.share(Envelope {
        topic: empty_as_none(row.get(1)?),
        event_type: row.get(2)?,
        session: empty_as_none(row.get(3)?),
        connection: None,
    });
    let key = empty_as_none(row.get(7)?).map(|key| -> rusqlite::Result<_> {
        Ok(Arc::new(Key {
            topic: envelope.topic.clone(),
            publisher: empty_as_none(row.get(6)?),
            key,
        }))
    });
    let record = Record {
        block: None,
        length: natural(row, 8)? as usize,
        published: natural(row, 4)?,
        expires: row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned),
        key: key.transpose()?,
        envelope,
    };
    Ok((natural(row, 0)?, record))
}

/// A number that this program wrote, which is never negative.
fn natural(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

/// The newest blocks, as many as memory is for.
fn recent(connection: &Connection, window: &mut Window, memory: usize) -> rusqlite::Result<()> {
    let mut select = connection.prepare("SELECT seq, block FROM events ORDER BY seq DESC")?;
    let mut rows = select.query([])?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let block: Vec<u8> = row.get(1)?;
        bytes += block.len();
        if bytes > memory {
            break;
        }
        window.set_block(natural(row, 0)?, Bytes::from(block));
    }
    Ok(())
}
