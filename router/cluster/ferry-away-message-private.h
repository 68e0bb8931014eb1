/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is in the streams of a queue: a task, who has begun it, and how it has ended. Any thread. */

#pragma once

#include <gio/gio.h>

#include "pool/ferry-away-private.h"

G_BEGIN_DECLS

#define FERRY_AWAY_VERSION 3

/* A task that has come. All is owned. */
typedef struct
{
  FerryAwayTask about; /* its pointers are those below */
  char *function;
  char *name;
  GVariant *arguments; /* (nullable) */
  GVariant *needs;     /* (nullable) */
} FerryAwayOrder;

void ferry_away_order_clear (FerryAwayOrder *self);
/* Returns (transfer full). */
GBytes *ferry_away_task_to_bytes (const FerryAwayTask *task);
/* Sets self, which must be all zero. Fails with FERRY_ERROR_PROTOCOL and FERRY_ERROR_VERSION. */
gboolean ferry_away_order_from_bytes (FerryAwayOrder *self, GBytes *bytes, GError **error);

/* Who has begun a task, or has seen to it that nobody does. The letters are those of the stream. */
typedef enum
{
  FERRY_AWAY_BY_APPLICATION = 'a',
  FERRY_AWAY_BY_HOST = 'h',
  FERRY_AWAY_BY_NOBODY = 'c',   /* it was cancelled */
  FERRY_AWAY_BY_SOMEBODY = 'd', /* it is done, and the application has its end */
  FERRY_AWAY_BY_UNKNOWN = 'u',  /* the server has lost whose word there was */
  FERRY_AWAY_BY_ASKED = 'q',    /* by a host, which answers with its own word if it runs the task still */
} FerryAwayBeginner;

/* instance is "" where the host was lost, and the task rests. A host beside FERRY_AWAY_BY_NOBODY is one that has begun
 * the task, and writes how it has ended. */
typedef struct
{
  FerryAwayBeginner by;
  char *host;     /* (owned): of a host, or that has begun it, else "" */
  char *instance; /* (owned): which start of the host, or of the application */
  guint attempts; /* at hosts, with the present one */
} FerryAwayBegun;

void ferry_away_begun_clear (FerryAwayBegun *self);
GBytes *ferry_away_begun_to_bytes (const FerryAwayBegun *self);
gboolean ferry_away_begun_from_bytes (FerryAwayBegun *self, GBytes *bytes, GError **error);

/* How a task has ended at a host. */
typedef struct
{
  char *host; /* (owned) */
  guint attempts;
  GVariant *result; /* (owned) (nullable): NULL also of a function that returns nothing */
  GError *error;    /* (owned) (nullable) */
  char *trace;      /* (owned) (nullable) */
} FerryAwayEnd;

void ferry_away_end_clear (FerryAwayEnd *self);
GBytes *ferry_away_end_to_bytes (const FerryAwayEnd *self);
gboolean ferry_away_end_from_bytes (FerryAwayEnd *self, GBytes *bytes, GError **error);

/* Whether subject is BEGINNING.FILE.ID, both tokens, for which file and id are set (transfer full). beginning: with the
 * dot behind it. */
gboolean ferry_away_parse_subject (const char *subject, const char *beginning, char **file, char **id);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryAwayOrder, ferry_away_order_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryAwayBegun, ferry_away_begun_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryAwayEnd, ferry_away_end_clear)

G_END_DECLS
