/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the demo's workers say to the window. Two forms travel on one pipe:
 *
 *   - a GVariant "(yxv)": kind, time of sending, and a payload whose type the kind settles;
 *   - plain bytes, a FerryDemoFloodMessage, which only a flood sends.
 *
 * Times are CLOCK_MONOTONIC in microseconds, so that two processes of one machine can compare them. */

#define FERRY_DEMO_SENDER_NAME "progress"

typedef enum
{
  FERRY_DEMO_MESSAGE_PROGRESS, /* (tttts): done, total, items done, items total, what is being done now */
  FERRY_DEMO_MESSAGE_DIGEST,   /* (say): SHA-256 in hexadecimal, path */
  FERRY_DEMO_MESSAGE_PROBLEM,  /* (s): what could not be done, in words */
  FERRY_DEMO_MESSAGE_RESULT,   /* (tt): two numbers whose meaning is the job's */
  FERRY_DEMO_N_MESSAGES
} FerryDemoMessageKind;

typedef struct
{
  FerryDemoMessageKind kind;
  gint64 sent;
  GVariant *payload;
} FerryDemoMessage;

/* A clock reading for each of millions of messages a second would cost more than the messages, at both ends: so one in
 * so many, by its sequence, has a time of its own, and the others repeat it. */
#define FERRY_DEMO_FLOOD_MESSAGES_PER_TIME 64

typedef struct
{
  guint64 sequence;
  gint64 sent;
} FerryDemoFloodMessage;

GVariant *ferry_demo_message_new (FerryDemoMessageKind kind, GVariant *payload) G_GNUC_WARN_UNUSED_RESULT;
gboolean ferry_demo_message_parse (FerryDemoMessage *message, gconstpointer data, gsize size, const GVariantType *type);
void ferry_demo_message_clear (FerryDemoMessage *message);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryDemoMessage, ferry_demo_message_clear)

G_END_DECLS
