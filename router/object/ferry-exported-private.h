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
typedef struct
{
  _Atomic gint references;
  pthread_mutex_t lock;
  GHashTable *objects; /* lock: (element-type GObject FerryExported), neither owned: the first of each object */
} FerryObjectTable;

typedef struct _FerryExported FerryExported;
typedef struct _FerryViewRun FerryViewRun;

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
  FerryViewRun *holder;      /* lock: (unowned) (nullable): whose turn it is */
  GQueue waiting;            /* lock: (element-type FerryViewRun) (owned) */
  guint sweep_at;            /* lock: at which length those that nobody wants any more are looked for */
  gulong list_handler;       /* lock */
  _Atomic guint64 *revision; /* lock to set: (owned) (nullable): of the list, from when it was first followed */
  _Atomic guint64 n_changes; /* of properties that are followed */
};

FerryObjectTable *ferry_object_table_new (void);
void ferry_object_table_unref (FerryObjectTable *self);
/* (element-type FerryExported) (transfer full): all objects that others may have asked something of. */
GPtrArray *ferry_object_table_list (FerryObjectTable *self);
/* (transfer full) (nullable): the record of an object, with the table's lock. */
FerryExported *ferry_object_table_find_locked (FerryObjectTable *self, GObject *object);

/* Takes a reference of each. With the table's lock, where there is an object. */
FerryExported *ferry_exported_new (FerryObjectTable *table, GObject *object, FerryInterface *interface, GVariant *value,
                                   FerryCallPolicy policy);
FerryExported *ferry_exported_ref (FerryExported *self);
void ferry_exported_unref (FerryExported *self);

/* Whether run has the object for itself now; it is called later otherwise, by whoever leaves it. */
gboolean ferry_exported_take_turn (FerryExported *self, FerryViewRun *run);
/* Returns (transfer full) (nullable): whose turn it is now. */
FerryViewRun *ferry_exported_leave_turn (FerryExported *self, FerryViewRun *run);
/* Of a list: counts its changes from now on, before those hear of them who look for them later. */
void ferry_exported_count_revisions (FerryExported *self);
guint64 ferry_exported_get_revision (FerryExported *self);
/* Answers those that wait and have not begun with error. */
void ferry_exported_refuse_waiting (FerryExported *self, const GError *error);
/* Answers those of them that nobody wants any more, where there may be many. */
void ferry_exported_refuse_unwanted (FerryExported *self);

/* Returns (transfer full) (nullable). */
char *ferry_exported_dup_name (FerryExported *self);
/* An object or value by what there is to call it in messages. Returns (transfer full). */
char *ferry_exported_dup_label (FerryExported *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryExported, ferry_exported_unref)

G_END_DECLS
