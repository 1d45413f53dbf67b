//! What a caller may do: decided from its claims and the request alone.

use std::sync::Arc;
use std::time::Instant;

use crate::config::Claims;
use crate::hub::{Filter, Publication, TopicPattern};

/// What a credential permits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Access {
    /// Who its bearer is as a publisher.
    pub(crate) identity: Option<String>,
    pub(crate) subscribe: Vec<TopicPattern>,
    pub(crate) publish: Vec<TopicPattern>,
    pub(crate) session: Option<String>,
    pub(crate) admin: bool,
}

/// A credential that was found to be good.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) access: Arc<Access>,
    /// When it ends, and the stream with it.
    pub(crate) expires: Option<Instant>,
    /// Whom it was given to, as far as can be told.
    pub(crate) holder: super::tickets::Digest,
    /// The ticket it came as.
    pub(crate) ticket: Option<super::tickets::Digest>,
}

/// Who asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    /// `None` while there is no authentication.
    pub(crate) grant: Option<Grant>,
    /// The user that a trusted proxy vouches for.
    pub(crate) user: Option<String>,
}

/// What a subscription asks for, before it is known what it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) filter: Filter,
    /// Its topics were named, not taken by default.
    pub(crate) names_topics: bool,
}

/// Why a caller who is known may not do what it asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Forbidden {
    /// This topic is not among those it may subscribe to.
    Subscribe(String),
    /// Nor was it asked for by name.
    Default(String),
    /// The session is another's; the caller's own, if it has one.
    Session(Option<String>),
    /// This topic is not among those it may publish to.
    Publish(String),
    /// An event for anybody's session or connection, on any topic.
    Anywhere,
    Admin,
    /// A key counts for a publisher, and the credential says nobody's name.
    Key,
    /// It may publish nothing at all.
    Nothing,
    /// A ticket opens streams and nothing else.
    Ticket,
}

impl Access {
    pub(crate) fn new(identity: Option<String>, claims: &Claims) -> Self {
        let patterns =
            |texts: &[String]| texts.iter().map(|text| TopicPattern::new(text)).collect();
        Self {
            identity,
            subscribe: patterns(&claims.subscribe),
            publish: patterns(&claims.publish),
            session: claims.session.clone(),
            admin: claims.admin,
        }
    }

    /// What is left of it for a ticket, which stands in URLs.
    pub(crate) fn for_ticket(&self) -> Self {
        Self {
            publish: Vec::new(),
            admin: false,
            ..self.clone()
        }
    }

    fn subscribes(&self, topic: &TopicPattern) -> bool {
        self.subscribe.iter().any(|pattern| pattern.covers(topic))
    }

    fn publishes(&self, topic: &TopicPattern) -> bool {
        self.publish.iter().any(|pattern| pattern.covers(topic))
    }
}

impl Caller {
    /// The session that is the caller's own: the credential's, else the proxy's.
    pub(crate) fn session(&self) -> Option<&str> {
        let claimed = self
            .grant
            .as_ref()
            .and_then(|grant| grant.access.session.as_deref());
        claimed.or(self.user.as_deref())
    }

    /// Who it is as a publisher.
    pub(crate) fn identity(&self) -> Option<&str> {
        self.grant.as_ref()?.access.identity.as_deref()
    }

    /// The filter that a subscription gets: what it asks for, with the session
    /// that is its own.
    ///
    /// `/notifications` without topics narrows to what needs none, because it
    /// did not ask for `default`.
    pub(crate) fn subscribe(&self, wish: Wish) -> Result<Filter, Forbidden> {
        let mut filter = wish.filter;
        let own = self.session();
        let is_bound = own.is_some() || self.grant.is_some();
        if is_bound
            && filter
                .session
                .as_deref()
                .is_some_and(|asked| own != Some(asked))
        {
            return Err(Forbidden::Session(own.map(ToOwned::to_owned)));
        }
        if let Some(own) = own {
            filter.session = Some(own.to_owned());
        }
        let Some(grant) = &self.grant else {
            return Ok(filter);
        };
        if filter.targeted_only && filter.session.is_none() {
            return Err(Forbidden::Session(None));
        }
        if filter.targeted_only && !wish.names_topics {
            filter.topics.retain(|topic| grant.access.subscribes(topic));
        }
        match filter
            .topics
            .iter()
            .find(|topic| !grant.access.subscribes(topic))
        {
            None => Ok(filter),
            Some(topic) if wish.names_topics => Err(Forbidden::Subscribe(topic.to_string())),
            Some(topic) => Err(Forbidden::Default(topic.to_string())),
        }
    }

    /// Whether it may publish anything: asked before a body is read for it.
    pub(crate) fn is_publisher(&self) -> Result<(), Forbidden> {
        match &self.grant {
            Some(grant) if grant.ticket.is_some() => Err(Forbidden::Ticket),
            Some(grant) if grant.access.publish.is_empty() => Err(Forbidden::Nothing),
            _ => Ok(()),
        }
    }

    /// Whether all of these events may be published.
    pub(crate) fn publish(&self, events: &[Publication]) -> Result<(), Forbidden> {
        self.is_publisher()?;
        let Some(grant) = &self.grant else {
            return Ok(());
        };
        if grant.access.identity.is_none() && events.iter().any(Publication::has_key) {
            return Err(Forbidden::Key);
        }
        for event in events {
            match event.reach() {
                Some(topic)
                    if !grant
                        .access
                        .publishes(&TopicPattern::Exact(topic.to_owned())) =>
                {
                    return Err(Forbidden::Publish(topic.to_owned()));
                }
                None if !grant.access.publishes(&TopicPattern::All) => {
                    return Err(Forbidden::Anywhere);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether it may see and end the streams of others.
    pub(crate) fn administer(&self) -> Result<(), Forbidden> {
        match &self.grant {
            Some(grant) if !grant.access.admin => Err(Forbidden::Admin),
            _ => Ok(()),
        }
    }

    /// The credential that a ticket is asked for with.
    pub(crate) fn ticket(&self) -> Result<Option<&Grant>, Forbidden> {
        match &self.grant {
            Some(grant) if grant.ticket.is_some() => Err(Forbidden::Ticket),
            grant => Ok(grant.as_ref()),
        }
    }
}

impl Forbidden {
    /// What to say of it: the reason and the mend.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Subscribe(topic) => format!(
                "the credential may not subscribe to the topic `{topic}`; leave it out, or take a \
                 credential that may"
            ),
            Self::Default(topic) => format!(
                "the credential may not subscribe to the topic `{topic}`, which a subscription \
                 has that names none; name one that it may with `topic`"
            ),
            Self::Session(Some(own)) => format!(
                "the session is not the credential's; leave it out, or name its own, `{own}`"
            ),
            Self::Session(None) => "the credential is for no session; leave `session` out, or \
                                    take a credential with one"
                .to_owned(),
            Self::Publish(topic) => format!(
                "the credential may not publish to the topic `{topic}`; nothing was published"
            ),
            Self::Anywhere => "an event for a session or a connection without a `topic` reaches \
                               any topic, and the credential may not publish to `*`; name a topic. \
                               Nothing was published"
                .to_owned(),
            Self::Admin => "this needs a credential with the claim `admin`".to_owned(),
            Self::Key => "a `key` counts for its publisher, and the credential names none; leave \
                          `key` out, or take a token with `sub`. Nothing was published"
                .to_owned(),
            Self::Nothing => "the credential may not publish; take one that may".to_owned(),
            Self::Ticket => {
                "a ticket opens streams and nothing else; send the credential itself".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests;
