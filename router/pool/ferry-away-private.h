/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A place where tasks wait and run while their application is off, as a queue sees it: a runner has it, such as a
 * cluster. The router's thread.
 *
 * A task is there by an id, and begun at most once by each that may: by the application, which takes it for that, or by
 * a host. What was sent is known to be there only when that was told. */

#pragma once

#include "pool/ferry-runner-private.h"

G_BEGIN_DECLS

/* In which order tasks are begun there. Those that need labels are apart, as few hosts fetch them. */
typedef enum
{
  FERRY_AWAY_HIGH,
  FERRY_AWAY_NORMAL,
  FERRY_AWAY_LOW,
  FERRY_AWAY_LABELLED_HIGH,
  FERRY_AWAY_LABELLED_NORMAL,
  FERRY_AWAY_LABELLED_LOW,
} FerryAwayClass;

#define FERRY_N_AWAY_CLASSES 6

/* Times are of the wall clock, in microseconds; 0: none. Nothing is owned. */
typedef struct
{
  guint kind; /* a FerryTaskKind */
  const char *function;
  const char *name;
  GVariant *arguments; /* (nullable) */
  GVariant *needs;     /* (nullable): “as” */
  FerryAwayClass class;
  gint64 not_before;
  gint64 waits_since; /* when its queue timeout began */
  guint attempts;     /* so far; this and the next two are of FerryTaskLosses */
  guint deaths;
  guint death_limit;
  FerryTaskSettings settings; /* its deadline is of the wall clock, too */
} FerryAwayTask;

typedef enum
{
  FERRY_AWAY_SENT,      /* it is there */
  FERRY_AWAY_TOO_LARGE, /* it can never be sent */
  FERRY_AWAY_TAKEN,     /* no host has begun it, and none will */
  FERRY_AWAY_BEGUN,     /* a host has begun it */
  FERRY_AWAY_ENDED,     /* with a result or an error; it is kept there until ferry_away_settle() */
  FERRY_AWAY_CANCELLED, /* nobody will begin it, and who had begun it has ended it, or is lost */
  FERRY_AWAY_MISSING,   /* it is not there, and nobody has begun it */
  FERRY_AWAY_FORGOTTEN, /* what was there is gone: nobody knows whether it was begun, or how far it came */
} FerryAwayKind;

/* What became of a task. */
typedef struct
{
  FerryAwayKind kind;
  const char *host;  /* (nullable): of BEGUN and ENDED */
  guint attempts;    /* of ENDED: in all */
  GVariant *result;  /* (nullable): of ENDED without an error */
  GError *error;     /* (nullable): of ENDED */
  const char *trace; /* (nullable): of an error */
} FerryAwayNews;

struct _FerryAwayFuncs
{
  /* Whether it can be reached has changed, or why it cannot. */
  void (*changed) (gpointer owner);
  void (*news) (gpointer owner, const char *id, const FerryAwayNews *news);
};

typedef struct
{
  /* Has what was sent in an earlier life told of. Before ferry_away_begin(). */
  void (*expect) (FerryAway *self, const char *id);
  /* All that was sent in earlier lives is expected; what else is there is not known any more, and is removed. */
  void (*begin) (FerryAway *self);
  void (*send) (FerryAway *self, const char *id, const FerryAwayTask *task);
  /* Answered by TAKEN, BEGUN or ENDED. */
  void (*take) (FerryAway *self, const char *id);
  /* Answered by CANCELLED; or by ENDED, of one that had ended, or whose host has ended it. */
  void (*cancel) (FerryAway *self, const char *id);
  /* The end that was told is stored. */
  void (*settle) (FerryAway *self, const char *id);
  gboolean (*is_reachable) (FerryAway *self);
  /* (transfer none) (nullable): why it is not reachable. */
  const GError *(*get_error) (FerryAway *self);
  /* Whether all that was asked for is done there. */
  gboolean (*is_idle) (FerryAway *self);
  /* Nothing is told from now on. */
  void (*close) (FerryAway *self);
} FerryAwayInterface;

/* The first field of a place. */
struct _FerryAway
{
  const FerryAwayInterface *interface; /* const */
};

G_END_DECLS
