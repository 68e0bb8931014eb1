/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an exporter knows of an object that others may reach: how it is described, whose turn it is, and who follows it.
 *
 * Owner:   counted references: the exporter's for its name, those of transports that have a reference to it, and of
 *          whoever is at it.
 * Threads: any. */

#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "object/ferry-exporter.h"

G_BEGIN_DECLS

/* The objects that an exporter knows, by what they are. Counted references: the exporter's, and its objects'. */
typedef struct _FerryObjectTable FerryObjectTable;
typedef struct _FerryExported FerryExported;
typedef struct _FerryEvaluation FerryEvaluation;

struct _FerryExported
{
  _Atomic gint references;
  guint64 number;            /* const: never used again */
  FerryObjectTable *table;   /* const: (owned) */
  GObject *object;           /* const: (owned) (nullable), as the next two */
  FerryInterface *interface; /* (owned) (nullable): none of a value */
  GVariant *value;           /* (owned) (nullable): in place of an object */
  _Atomic FerryCallPolicy policy;
  char *name; /* the table's lock: (owned) (nullable): the one under which it is exported */

  pthread_mutex_t lock;
  FerryEvaluation *holder;   /* lock, as the next two, of the runs: (unowned) (nullable): whose turn it is */
  GQueue waiting;            /* (element-type FerryEvaluation) (owned) */
  guint sweep_at;            /* at which length those that nobody wants any more are looked for */
  gulong list_handler;       /* lock */
  _Atomic guint64 *revision; /* lock to set: (owned) (nullable): of the list, from when it was first followed */
  _Atomic guint64 n_changes; /* of properties that are followed */
};

FerryObjectTable *ferry_object_table_new (void);
void ferry_object_table_unref (FerryObjectTable *self);
/* (element-type FerryExported) (transfer full): all objects that others may have asked something of. */
GPtrArray *ferry_object_table_list (FerryObjectTable *self);
/* (transfer full) (nullable): the record of an object. */
FerryExported *ferry_object_table_find (FerryObjectTable *self, GObject *object);
/* (transfer full): the same, or a new one, which takes a reference of each. */
FerryExported *ferry_object_table_ensure (FerryObjectTable *self, GObject *object, FerryInterface *interface,
                                          FerryCallPolicy policy);
/* (transfer full): takes a reference of a value that stays here. */
FerryExported *ferry_object_table_hold_value (FerryObjectTable *self, GVariant *value);

FerryExported *ferry_exported_ref (FerryExported *self);
void ferry_exported_unref (FerryExported *self);

/* Of a list: counts its changes from now on, before those hear of them who look for them later. */
void ferry_exported_count_revisions (FerryExported *self);
guint64 ferry_exported_get_revision (FerryExported *self);
/* name: (nullable) */
void ferry_exported_set_name (FerryExported *self, const char *name);
/* Returns (transfer full) (nullable). */
char *ferry_exported_dup_name (FerryExported *self);
/* An object or value by what there is to call it in messages. Returns (transfer full). */
char *ferry_exported_dup_label (FerryExported *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryExported, ferry_exported_unref)

G_END_DECLS
