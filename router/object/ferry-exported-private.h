/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An exporter's record of an object that other processes may reach: its interface, and which evaluation has its turn.
 *
 * Owner:   counted references: of the exporter for the name, of sessions for the other ends' references, of
 *          subscriptions and of evaluations.
 * Threads: any. */

#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "object/ferry-exporter.h"

G_BEGIN_DECLS

/* The records of an exporter by their objects. Counted references: of the exporter and of the records. */
typedef struct _FerryObjectTable FerryObjectTable;
typedef struct _FerryExported FerryExported;
typedef struct _FerryEvaluation FerryEvaluation;

struct _FerryExported
{
  _Atomic gint references;
  guint64 number;            /* const: unique, and not 0 */
  FerryObjectTable *table;   /* const: (owned) */
  GObject *object;           /* const: (owned) (nullable), as the next two */
  FerryInterface *interface; /* (owned) (nullable): none of a value */
  GVariant *value;           /* (owned) (nullable): in place of an object */
  _Atomic FerryCallPolicy policy;
  char *name; /* the table's lock: (owned) (nullable): by which it is exported */

  pthread_mutex_t lock;
  FerryEvaluation *holder; /* lock, as the next two, set by evaluations: (unowned) (nullable): it has the turn */
  GQueue waiting;          /* (element-type FerryEvaluation) (owned): for the turn */
  guint sweep_at;          /* the length of the queue at which cancelled evaluations are removed */
  gulong list_handler;     /* lock */
  _Atomic guint64
    *revision; /* lock to set: (owned) (nullable): counts changes of the list since its first subscription */
  _Atomic guint64 n_changes; /* of properties with subscriptions */
};

FerryObjectTable *ferry_object_table_new (void);
void ferry_object_table_unref (FerryObjectTable *self);
/* (element-type FerryExported) (transfer full): of all objects. */
GPtrArray *ferry_object_table_list (FerryObjectTable *self);
/* (transfer full) (nullable): the record of an object. Makes a new one, which takes a reference of each, where there is
 * none and interface (nullable) is not NULL. */
FerryExported *ferry_object_table_find (FerryObjectTable *self, GObject *object, FerryInterface *interface,
                                        FerryCallPolicy policy);
/* (transfer full): a record of a value, of which it takes a reference. */
FerryExported *ferry_object_table_hold_value (FerryObjectTable *self, GVariant *value);

FerryExported *ferry_exported_ref (FerryExported *self);
void ferry_exported_unref (FerryExported *self);

/* Counts the changes of a list from now on. Handlers that are connected later find each change counted. Returns the
 * count. */
guint64 ferry_exported_count_revisions (FerryExported *self);
guint64 ferry_exported_get_revision (FerryExported *self);
/* name: (nullable) */
void ferry_exported_set_name (FerryExported *self, const char *name);
/* Returns (transfer full) (nullable). */
char *ferry_exported_dup_name (FerryExported *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryExported, ferry_exported_unref)

G_END_DECLS
