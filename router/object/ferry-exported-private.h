/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An exporter's records of its objects. */

#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "object/ferry-exporter.h"

G_BEGIN_DECLS

/* What an exporter has for evaluations: the records, by their objects; the types of objects that methods may return;
 * the functions that objects may be passed to. Counted references: of the exporter and of the records. */
typedef struct _FerryObjectTable FerryObjectTable;
typedef struct _FerryExported FerryExported;
typedef struct _FerryEvaluation FerryEvaluation;

struct _FerryExported
{
  _Atomic gint references;
  guint64 number;            /* const: unique, and not 0 */
  FerryObjectTable *table;   /* const: (owned) */
  GObject *object;           /* const, also the next two fields: (owned) (nullable): NULL for a value */
  FerryInterface *interface; /* (owned) (nullable): NULL for a value */
  GVariant *value;           /* (owned) (nullable): NULL for an object */
  _Atomic FerryCallPolicy policy;
  char *name; /* the table's lock: (owned) (nullable): the name by which the object is exported */

  pthread_mutex_t lock;
  FerryEvaluation *holder; /* lock, also for the next two; set by evaluations: (unowned) (nullable): the evaluation that
                              has the turn */
  GQueue waiting;          /* (element-type FerryEvaluation) (owned): evaluations that wait for the turn */
  guint sweep_at;          /* when waiting has this length, it is searched for cancelled evaluations */
  gulong list_handler;     /* lock: the id of the signal handler that counts revisions, or 0 */
  _Atomic guint64 *
    revision; /* lock to set the pointer: (owned) (nullable): counts changes of the list since its first subscription */
  _Atomic guint64 n_changes; /* counts the changes of properties that have subscriptions */
};

/* A function that objects are passed to. */
typedef struct
{
  FerryMethodFunc func;
  gpointer user_data;
  GDestroyNotify destroy; /* (nullable) */
} FerryPassFunction;

FerryObjectTable *ferry_object_table_new (void);
/* Frees the functions, and drops the exporter's reference. */
void ferry_object_table_close (FerryObjectTable *self);
/* Returns (element-type FerryExported) (transfer full): the records of all objects. */
GPtrArray *ferry_object_table_list (FerryObjectTable *self);
/* Returns (transfer full): the record of an object. If there is none, makes one, which takes a reference to the object
 * and to the interface. */
FerryExported *ferry_object_table_find (FerryObjectTable *self, GObject *object, FerryInterface *interface,
                                        FerryCallPolicy policy);
/* Exports a type, and the types derived from it. */
void ferry_object_table_add_type (FerryObjectTable *self, FerryInterface *interface, FerryCallPolicy policy);
/* Returns (transfer full) (nullable): the record of an object that a method gave. The object or its type must be
 * exported; otherwise fails with FERRY_ERROR_NOT_ALLOWED. */
FerryExported *ferry_object_table_find_result (FerryObjectTable *self, GObject *object, GError **error);
/* Adds a function, which is copied. Returns FALSE if there is one of that name. */
gboolean ferry_object_table_add_function (FerryObjectTable *self, const char *name, const FerryPassFunction *function);
/* Returns (nullable) the function of that name, valid as long as the exporter. Fails with
 * FERRY_ERROR_UNKNOWN_FUNCTION. */
const FerryPassFunction *ferry_object_table_find_function (FerryObjectTable *self, const char *name, GError **error);
/* Whether calls that were accepted and have not begun are refused. */
void ferry_object_table_set_refusing (FerryObjectTable *self, gboolean refusing);
/* Whether a call that was accepted, and has waited since, may begin. Fails with FERRY_ERROR_REFUSED. */
gboolean ferry_object_table_check_waiting (FerryObjectTable *self, GError **error);
/* Returns (transfer full): a new record of a value. The record takes a reference to the value. */
FerryExported *ferry_object_table_hold_value (FerryObjectTable *self, GVariant *value);

FerryExported *ferry_exported_ref (FerryExported *self);
void ferry_exported_unref (FerryExported *self);

/* Makes the record count the changes of its list from now on. Signal handlers that are connected later run when the
 * change has been counted. Returns the count. */
guint64 ferry_exported_count_revisions (FerryExported *self);
guint64 ferry_exported_get_revision (FerryExported *self);
/* Sets the name by which the object is exported. name: (nullable): NULL when it is unexported. */
void ferry_exported_set_name (FerryExported *self, const char *name);
/* Returns (transfer full) (nullable): the name by which the object is exported. */
char *ferry_exported_dup_name (FerryExported *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryExported, ferry_exported_unref)

G_END_DECLS
