/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two ends of calls in one process, joined by two wires. What is sent lies in a wire until it is delivered by
 * the test itself, or a pump thread. Cancels overtake what lies there. */

#pragma once

#include <pthread.h>

#include "call/ferry-transport-private.h"

G_BEGIN_DECLS

typedef struct
{
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GQueue messages; /* lock: (element-type GBytes), as what follows */
  GQueue cancels;  /* (element-type CallTestCancel) */
  guint capacity;  /* messages; what goes beyond would block */
  guint n_sent;
  gboolean stopped;    /* the pump of the wire is to end */
  gboolean no_cancels; /* the quick road is full */
  /* (nullable): there is room again, as these are told, once a message has found none and before its sender hears so */
  FerryTransport *late_room;
} CallTestWire;

typedef struct
{
  CallTestWire wires[2];   /* by the end that sends */
  FerryTransport *ends[2]; /* (owned) (nullable) */
} CallTestPair;

/* funcs are what each end does with requests; NULL: it refuses them. */
CallTestPair *call_test_pair_new (FerryTransportCallFunc first, FerryTransportCallFunc second);
void call_test_pair_free (CallTestPair *pair);
/* Delivers what one end sent to the other, the oldest message or cancel; returns whether there was one. */
gboolean call_test_pair_deliver (CallTestPair *pair, guint sender);
/* Delivers both ways until nothing is left. */
void call_test_pair_pump (CallTestPair *pair);
/* Delivers one way, on a thread of its own, until it is stopped and nothing is left. */
GThread *call_test_pair_start_pump (CallTestPair *pair, guint sender);
void call_test_pair_stop_pump (CallTestPair *pair, guint sender, GThread *thread);

/* What an end does that keeps each call, in order. The calls stay until they are dropped: the first n, or all. */
void call_test_keep (FerryTransport *self, FerryCall *call, GObject *owner);
CallTestPair *call_test_pair_new_keeping (void);
guint call_test_count_kept (void);
FerryCall *call_test_get_kept (guint i);
void call_test_drop_kept (guint n);

/* A message as bytes. name and value are (nullable). */
GBytes *call_test_message (FerryCallKind kind, guint64 xid, gint64 number, const char *name, GVariant *value);
/* Returns (transfer full) the bytes of a message. */
GBytes *call_test_join_parts (const FerryPart *parts, guint n_parts);
GBytes *call_test_join (const FerryCallMessage *message);
/* Has an end receive it; returns whether it did, and that it was a protocol error where it did not. */
gboolean call_test_receive (FerryTransport *end, GBytes *bytes);

/* What became of a call. */
typedef struct
{
  FerryTransport *end; /* (unowned) */
  guint64 xid;
  guint n_done;
  gboolean refused;
  GVariant *result; /* (owned) (nullable) */
  GError *error;    /* (owned) (nullable) */
  char *trace;      /* (owned) (nullable) */
  GString *items;   /* each as text, with its name, in the order in which they came */
} CallTestAnswer;

extern const FerryAnswerFuncs call_test_answer_funcs;

CallTestAnswer *call_test_ask (FerryTransport *end, const char *method, GVariant *arguments);
CallTestAnswer *call_test_ask_stream (FerryTransport *end, const char *method, guint16 window);
void call_test_answer_free (CallTestAnswer *answer);
void call_test_assert_result (CallTestAnswer *answer, const char *text);
void call_test_assert_failed (CallTestAnswer *answer, GQuark domain, int code);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CallTestPair, call_test_pair_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CallTestAnswer, call_test_answer_free)

G_END_DECLS
