use super::*;

/// Reads `subscribe publish session admin`, lists by comma, `-` for none,
/// and `off` for no authentication at all.
fn caller(line: &str) -> Caller {
    if line == "off" {
        return Caller::default();
    }
    let part = |n| line.split(' ').nth(n).filter(|text| *text != "-");
    let list = |n| part(n).map_or(Vec::new(), |text| text.split(',').map(Into::into).collect());
    let claims = Claims {
        subscribe: list(0),
        publish: list(1),
        session: part(2).map(Into::into),
        admin: part(3).is_some(),
    };
    let grant = Grant {
        access: Arc::new(Access::new(Some("me".into()), &claims)),
        expires: None,
        holder: crate::http::auth::tickets::Digest::of("me"),
        ticket: None,
    };
    Caller {
        grant: Some(grant),
        user: None,
    }
}

/// Reads `topics session`, `-` for none named, `!` before the session for
/// `/notifications`.
fn wish(line: &str) -> Wish {
    let part = |n| line.split(' ').nth(n).filter(|text| *text != "-");
    let mut filter = Filter::default();
    if let Some(topics) = part(0) {
        filter.topics = topics.split(',').map(TopicPattern::new).collect();
    }
    filter.targeted_only = part(1).is_some_and(|session| session.starts_with('!'));
    filter.session = part(1)
        .map(|session| session.trim_start_matches('!').to_owned())
        .filter(|session| !session.is_empty());
    Wish {
        filter,
        names_topics: part(0).is_some(),
    }
}

#[test]
fn the_table_of_subscriptions() {
    let topic = |name: &str| Err(Forbidden::Subscribe(name.to_owned()));
    let default = || Err(Forbidden::Default("default".to_owned()));
    let session = |own: Option<&str>| Err(Forbidden::Session(own.map(Into::into)));
    #[rustfmt::skip]
    let table = [
        // caller               asked          gets: topics, session
        ("off",                 "- -",         Ok(("default", "-"))),
        ("off",                 "* alice",     Ok(("*", "alice"))),
        ("off",                 "- !alice",    Ok(("default", "alice"))),
        ("* - - -",             "* -",         Ok(("*", "-"))),
        ("* - - -",             "- -",         Ok(("default", "-"))),
        ("a.* - - -",           "a.b,a.c.* -", Ok(("a.b,a.c.*", "-"))),
        ("a.* - - -",           "a.b,b -",     topic("b")),
        ("a.* - - -",           "* -",         topic("*")),
        ("a.* - - -",           "a -",         topic("a")),
        ("a.b - - -",           "a.* -",       topic("a.*")),
        ("a,b - - -",           "a,b -",       Ok(("a,b", "-"))),
        ("a - - -",             "- -",         default()),
        ("- - - -",             "- -",         default()),
        ("- * - x",             "a -",         topic("a")),
        ("* - alice -",         "a -",         Ok(("a", "alice"))),
        ("* - alice -",         "a alice",     Ok(("a", "alice"))),
        ("* - alice -",         "a bob",       session(Some("alice"))),
        ("* - - -",             "a alice",     session(None)),
        ("* - - x",             "a alice",     session(None)),
        ("* - alice -",         "- !alice",    Ok(("default", "alice"))),
        ("* - alice -",         "- !bob",      session(Some("alice"))),
        ("* - - -",             "- !alice",    session(None)),
        ("- - alice -",         "- !alice",    Ok(("", "alice"))),
        ("- - alice -",         "a !alice",    topic("a")),
        ("* - alice -",         "- !",         Ok(("default", "alice"))),
        ("* - - -",             "- !",         session(None)),
        ("a - alice -",         "a !alice",    Ok(("a", "alice"))),
    ];
    for (claims, asked, expected) in table {
        let verdict = caller(claims).subscribe(wish(asked)).map(|filter| {
            let topics: Vec<_> = filter.topics.iter().map(ToString::to_string).collect();
            let session = filter.session.unwrap_or_else(|| "-".to_owned());
            (topics.join(","), session)
        });
        let expected = expected.map(|(topics, session)| (topics.to_owned(), session.to_owned()));
        assert_eq!(verdict, expected, "{claims} asks for {asked}");
    }
}

#[test]
fn the_user_of_a_trusted_proxy_is_the_session() {
    let user = |claims| Caller {
        user: Some("carol".into()),
        ..caller(claims)
    };
    let session = |caller: Caller, asked| caller.subscribe(wish(asked)).map(|f| f.session);
    assert_eq!(session(user("off"), "* -"), Ok(Some("carol".into())));
    assert_eq!(session(user("* - - -"), "* -"), Ok(Some("carol".into())));
    assert_eq!(
        session(user("* - alice -"), "* -"),
        Ok(Some("alice".into()))
    );
    let other = Err(Forbidden::Session(Some("carol".into())));
    assert_eq!(session(user("off"), "* alice"), other);
}

#[test]
fn the_table_of_publishing() {
    let event = |line: &str| {
        let (topic, session) = line.split_once(' ').unwrap();
        let mut event = Publication::new("x");
        if topic != "-" {
            event = event.with_topic(topic).unwrap();
        }
        if session != "-" {
            event = event.with_session(session).unwrap();
        }
        event
    };
    let topic = |name: &str| Err(Forbidden::Publish(name.to_owned()));
    #[rustfmt::skip]
    let table = [
        // caller          events                     verdict
        ("off",            &["a -", "- alice"][..],   Ok(())),
        ("- * - -",        &["a -", "- -", "- s"],    Ok(())),
        ("* a.* - -",      &["a.b -", "a.c s"],       Ok(())),
        ("* a.* - -",      &["a.b -", "b -"],         topic("b")),
        ("* a.* - -",      &["- -"],                  topic("default")),
        ("* default - -",  &["- -"],                  Ok(())),
        ("* a.* - -",      &["b s"],                  topic("b")),
        ("* a.* s -",      &["- s"],                  Err(Forbidden::Anywhere)),
        ("* - - x",        &["a -"],                  Err(Forbidden::Nothing)),
        ("* - - x",        &[],                       Err(Forbidden::Nothing)),
    ];
    for (claims, lines, expected) in table {
        let events: Vec<_> = lines.iter().map(|line| event(line)).collect();
        assert_eq!(
            caller(claims).publish(&events),
            expected,
            "{claims}: {lines:?}"
        );
    }
}

#[test]
fn administration_needs_its_claim_and_tickets_open_streams_alone() {
    assert_eq!(caller("off").administer(), Ok(()));
    assert_eq!(caller("- - - x").administer(), Ok(()));
    assert_eq!(caller("* * s -").administer(), Err(Forbidden::Admin));
    let full = caller("* * s x");
    let grant = full.grant.unwrap();
    let ticket = Caller {
        grant: Some(Grant {
            access: Arc::new(grant.access.for_ticket()),
            ticket: Some(crate::http::auth::tickets::Digest::of("t")),
            ..grant
        }),
        user: None,
    };
    assert!(ticket.ticket().is_err());
    assert_eq!(ticket.administer(), Err(Forbidden::Admin));
    assert_eq!(
        ticket.publish(&[Publication::new("x")]),
        Err(Forbidden::Ticket)
    );
    assert!(ticket.subscribe(wish("a s")).is_ok());
}
