//! The tables diesel reads and writes; the whole layout is in `migrations/sqlite` and `docs/storage.md`.

diesel::table! {
    hub_state (id) {
        id -> BigInt,
        last_seq -> BigInt,
    }
}

diesel::table! {
    leases (component) {
        component -> Text,
        epoch -> BigInt,
        run_id -> Text,
        expires -> BigInt,
        holder -> Nullable<BigInt>,
    }
}

diesel::table! {
    runs (id) {
        id -> BigInt,
        run_id -> Text,
        seq -> Nullable<BigInt>,
        component -> Text,
        epoch -> BigInt,
        state -> Text,
        started -> BigInt,
        ended -> Nullable<BigInt>,
        watermark -> Nullable<BigInt>,
        schema_hash -> Nullable<BigInt>,
        seed -> Nullable<BigInt>,
        duration_ms -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        report -> Nullable<Text>,
        metrics -> Nullable<Text>,
    }
}

diesel::table! {
    models (seq) {
        seq -> BigInt,
        model_id -> Text,
        component -> Text,
        run_id -> Text,
        epoch -> BigInt,
        watermark -> BigInt,
        schema_hash -> BigInt,
        created -> BigInt,
        snapshot -> Binary,
    }
}

diesel::table! {
    lineage (seq) {
        seq -> BigInt,
        model_id -> Text,
        row_count -> BigInt,
        rows -> Binary,
    }
}

diesel::table! {
    rules (seq) {
        seq -> BigInt,
        event_time -> BigInt,
        known_time -> BigInt,
        rule_id -> Text,
        description -> Nullable<Text>,
        category -> Nullable<Text>,
        priority -> BigInt,
        default_parameters -> Nullable<Text>,
    }
}

diesel::table! {
    prompt_sessions (seq) {
        seq -> BigInt,
        event_time -> BigInt,
        known_time -> BigInt,
        session_id -> Text,
        project_type -> Nullable<Text>,
        domain -> Nullable<Text>,
        complexity -> Nullable<Text>,
        team_size -> Nullable<BigInt>,
        before_overall_score -> Nullable<Double>,
        before_clarity -> Nullable<Double>,
        before_completeness -> Nullable<Double>,
        before_actionability -> Nullable<Double>,
        before_effectiveness -> Nullable<Double>,
        quality_score -> Nullable<Double>,
        improvement_score -> Nullable<Double>,
        tags -> Nullable<Text>,
        original_prompt -> Text,
        improved_prompt -> Nullable<Text>,
    }
}

diesel::table! {
    training_prompts (seq) {
        seq -> BigInt,
        event_time -> BigInt,
        known_time -> BigInt,
        session_id -> Text,
        project_type -> Nullable<Text>,
        domain -> Nullable<Text>,
        complexity -> Nullable<Text>,
        team_size -> Nullable<BigInt>,
        before_overall_score -> Nullable<Double>,
        before_clarity -> Nullable<Double>,
        before_completeness -> Nullable<Double>,
        before_actionability -> Nullable<Double>,
        before_effectiveness -> Nullable<Double>,
        quality_score -> Nullable<Double>,
        improvement_score -> Nullable<Double>,
        tags -> Nullable<Text>,
        original_prompt -> Text,
        improved_prompt -> Nullable<Text>,
        provenance -> Text,
    }
}

diesel::table! {
    rule_applications (seq) {
        seq -> BigInt,
        event_time -> BigInt,
        known_time -> BigInt,
        session_seq -> BigInt,
        rule_seq -> BigInt,
        position -> BigInt,
        improvement_score -> Nullable<Double>,
        confidence -> Nullable<Double>,
        execution_time_ms -> Nullable<Double>,
        propensity -> Nullable<Double>,
        parameters -> Nullable<Text>,
    }
}

diesel::table! {
    user_feedback (seq) {
        seq -> BigInt,
        event_time -> BigInt,
        known_time -> BigInt,
        session_seq -> BigInt,
        rating -> BigInt,
        text -> Nullable<Text>,
        areas -> Nullable<Text>,
    }
}

diesel::table! {
    metric_points (seq) {
        seq -> BigInt,
        event_time -> BigInt,
        known_time -> BigInt,
        metric -> Text,
        subject -> Text,
        value -> Double,
    }
}

diesel::joinable!(rule_applications -> rules (rule_seq));
diesel::allow_tables_to_appear_in_same_query!(rule_applications, rules);

diesel::table! {
    session_features (seq) {
        seq -> BigInt,
        event_time -> BigInt,
        known_time -> BigInt,
        synthetic -> BigInt,
        quality_score -> Nullable<Double>,
        improvement_score -> Nullable<Double>,
        schema_hash -> BigInt,
        features -> Binary,
    }
}

diesel::table! {
    idempotency_keys (key) {
        key -> Text,
        seq -> BigInt,
        id -> Text,
    }
}

diesel::table! {
    model_versions (seq) {
        seq -> BigInt,
        model_id -> Text,
        component -> Text,
        version -> BigInt,
        stage -> Text,
        reason -> Text,
        created -> BigInt,
        watermark -> BigInt,
        schema_hash -> BigInt,
        snapshot_bytes -> BigInt,
        kept -> BigInt,
        erased -> BigInt,
    }
}

diesel::table! {
    model_manifests (seq) {
        seq -> BigInt,
        snapshot_sha256 -> Text,
        key_id -> Nullable<Text>,
        signature -> Nullable<Text>,
        manifest -> Text,
    }
}

diesel::table! {
    model_aliases (component, alias) {
        component -> Text,
        alias -> Text,
        seq -> BigInt,
    }
}

diesel::table! {
    model_inputs (seq, kind, name) {
        seq -> BigInt,
        kind -> Text,
        name -> Text,
    }
}

diesel::table! {
    erasures (seq) {
        seq -> BigInt,
        event_time -> BigInt,
        known_time -> BigInt,
        reason -> Text,
        sessions -> BigInt,
        row_count -> BigInt,
        models -> BigInt,
        documents -> BigInt,
    }
}

diesel::table! {
    tombstones (first_seq) {
        first_seq -> BigInt,
        last_seq -> BigInt,
        erasure_seq -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(model_versions, models, lineage, model_aliases, model_inputs);

/// Tables of documents have one shape.
macro_rules! documents {
    ($($name:ident),+ $(,)?) => {
        $(diesel::table! {
            $name (seq) {
                seq -> BigInt,
                event_time -> BigInt,
                known_time -> BigInt,
                subject -> Text,
                body -> Text,
            }
        })+
    };
}

documents!(
    experiments,
    experiment_units,
    adversarial_examples,
    results,
    patterns,
    insights,
    health_events,
    checkpoints,
);
