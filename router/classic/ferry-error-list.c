/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A list of errors that are caught where they occur and handled later.
 *
 * Threads: any, one at a time.
 * Trust:   a list that was received as a value comes from another process. The number of its errors is limited here,
 *          and the lengths of its texts in ferry_error_from_variant(). */

#include "config.h"

#include "classic/ferry-error-list.h"

/* As ferry_error_from_variant() takes it. */
#define ERROR_VARIANT_TYPE "(sissas)"
#define LIST_VARIANT_TYPE "a(s" ERROR_VARIANT_TYPE ")"

/* How many errors of a list ferry_error_list_to_variant() writes at most. */
#define MAX_SENT 1024

/**
 * FerryErrorRecord:
 *
 * An error in a [class@FerryClassic.ErrorList], with its phase and its trace. It never changes, so any thread may use
 * it.
 */
struct _FerryErrorRecord
{
  GObject parent_instance;

  GError *error; /* (owned): const, as the fields below */
  char *phase;
  char *trace; /* (nullable) */
};

enum
{
  PROP_ERROR = 1,
  PROP_PHASE,
  PROP_TRACE,
};

G_DEFINE_FINAL_TYPE (FerryErrorRecord, ferry_error_record, G_TYPE_OBJECT)

static void
ferry_error_record_finalize (GObject *object)
{
  FerryErrorRecord *self = FERRY_ERROR_RECORD (object);

  g_clear_error (&self->error);
  g_free (self->phase);
  g_free (self->trace);

  G_OBJECT_CLASS (ferry_error_record_parent_class)->finalize (object);
}

static void
ferry_error_record_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryErrorRecord *self = FERRY_ERROR_RECORD (object);

  if (property_id == PROP_ERROR)
    g_value_set_boxed (value, self->error);
  else
    g_value_set_string (value, property_id == PROP_PHASE ? self->phase : self->trace);
}

static void
ferry_error_record_class_init (FerryErrorRecordClass *klass)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = ferry_error_record_finalize;
  object_class->get_property = ferry_error_record_get_property;
  /**
   * FerryErrorRecord:error:
   *
   * The error that was caught.
   */
  g_object_class_install_property (object_class, PROP_ERROR,
                                   g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, readable));
  /**
   * FerryErrorRecord:phase:
   *
   * The phase of the work in which the error occurred, such as “init”, “work” or “cleanup”; empty if none was given.
   */
  g_object_class_install_property (object_class, PROP_PHASE, g_param_spec_string ("phase", NULL, NULL, NULL, readable));
  /**
   * FerryErrorRecord:trace:
   *
   * The trace of the error: one line for each place in the code, the innermost first; %NULL if it is not known.
   */
  g_object_class_install_property (object_class, PROP_TRACE, g_param_spec_string ("trace", NULL, NULL, NULL, readable));
}

static void
ferry_error_record_init (FerryErrorRecord *self)
{
}

/**
 * FerryErrorList:
 *
 * A list of errors that are caught where they occur, and shown or raised later.
 *
 * Each error has a phase, which is any name of a part of the work: “init”, “work”, “cleanup”. Where none was given, the
 * phase is empty. In functions that search the list, the phase %NULL stands for all phases, and the empty phase for the
 * errors without one. With filters ([method@FerryClassic.ErrorList.add_filter]) a list catches only errors that pass at
 * least one filter. It does not catch other errors; the caller must handle them:
 *
 * ```c
 * if (!ferry_error_list_take (errors, "cleanup", &local_error))
 *   {
 *     g_propagate_error (error, local_error);
 *     return FALSE;
 *   }
 * ```
 *
 * A list can also catch the error of a failed task, as [method@Ferry.Task.get_result] sets it. And it can catch the
 * errors of another list, which a worker's function filled and returned ([method@FerryClassic.ErrorList.to_variant],
 * [method@FerryClassic.ErrorList.add_variant]).
 *
 * The list is a [iface@Gio.ListModel] of [class@FerryClassic.ErrorRecord], in the order in which the errors were
 * caught.
 */
struct _FerryErrorList
{
  GObject parent_instance;

  GPtrArray *records; /* (element-type FerryErrorRecord): the first one was caught first */
  GArray *filters;    /* (element-type Filter): if empty, all errors pass */
};

typedef struct
{
  GQuark domain;
  int code; /* -1: all codes of the domain */
} Filter;

static GType
get_item_type (GListModel *model)
{
  return FERRY_TYPE_ERROR_RECORD;
}

static guint
get_n_items (GListModel *model)
{
  return FERRY_ERROR_LIST (model)->records->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  FerryErrorList *self = FERRY_ERROR_LIST (model);

  return position < self->records->len ? g_object_ref (g_ptr_array_index (self->records, position)) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (FerryErrorList, ferry_error_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
ferry_error_list_finalize (GObject *object)
{
  FerryErrorList *self = FERRY_ERROR_LIST (object);

  g_ptr_array_unref (self->records);
  g_array_unref (self->filters);

  G_OBJECT_CLASS (ferry_error_list_parent_class)->finalize (object);
}

static void
ferry_error_list_class_init (FerryErrorListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_error_list_finalize;
}

static void
ferry_error_list_init (FerryErrorList *self)
{
  self->records = g_ptr_array_new_with_free_func (g_object_unref);
  self->filters = g_array_new (FALSE, FALSE, sizeof (Filter));
}

static gboolean
passes (FerryErrorList *self, const GError *error)
{
  for (guint i = 0; i < self->filters->len; i++)
    {
      const Filter *filter = &g_array_index (self->filters, Filter, i);

      if (filter->domain == error->domain && (filter->code == -1 || filter->code == error->code))
        return TRUE;
    }
  return self->filters->len == 0;
}

/* Adds a record to the list. Takes error. phase (nullable), trace (nullable). */
static void
append (FerryErrorList *self, const char *phase, GError *error, const char *trace)
{
  FerryErrorRecord *record = g_object_new (FERRY_TYPE_ERROR_RECORD, NULL);

  record->error = error;
  record->phase = g_strdup (phase != NULL ? phase : "");
  record->trace = g_strdup (trace);
  g_ptr_array_add (self->records, record);
  g_list_model_items_changed (G_LIST_MODEL (self), self->records->len - 1, 0, 1);
}

static gboolean
is_of_phase (const FerryErrorRecord *record, const char *phase)
{
  return phase == NULL || g_str_equal (record->phase, phase);
}

/**
 * ferry_error_list_new:
 *
 * Makes an empty list without filters, which catches all errors. Any thread, one at a time.
 *
 * Returns: (transfer full): a new list
 */
FerryErrorList *
ferry_error_list_new (void)
{
  return g_object_new (FERRY_TYPE_ERROR_LIST, NULL);
}

/**
 * ferry_error_list_add_filter:
 * @self: a list
 * @domain: an error domain
 * @code: a code of @domain, or -1 for all codes
 *
 * Adds a filter. A list with filters catches only errors that pass one of them. Any thread, one at a time.
 */
void
ferry_error_list_add_filter (FerryErrorList *self, GQuark domain, int code)
{
  Filter filter = {domain, code};

  g_return_if_fail (FERRY_IS_ERROR_LIST (self));
  g_return_if_fail (domain != 0);

  g_array_append_val (self->filters, filter);
}

/**
 * ferry_error_list_add:
 * @self: a list
 * @phase: (nullable): the phase of the work; %NULL for none
 * @error: the error; the list keeps a copy
 *
 * Catches an error, with its trace if it has one: see [func@Ferry.Error.get_trace]. Any thread, one at a time.
 *
 * Returns: %FALSE if the error passes no filter, and so was not caught
 */
gboolean
ferry_error_list_add (FerryErrorList *self, const char *phase, const GError *error)
{
  g_autofree char *trace = NULL;

  g_return_val_if_fail (FERRY_IS_ERROR_LIST (self), FALSE);
  g_return_val_if_fail (error != NULL, FALSE);

  if (!passes (self, error))
    return FALSE;
  trace = ferry_error_get_trace (error);
  append (self, phase, g_error_copy (error), trace);
  return TRUE;
}

/**
 * ferry_error_list_take: (skip)
 * @self: a list
 * @phase: (nullable): the phase of the work; %NULL for none
 * @error: (inout) (nullable) (transfer full): the error, or %NULL; set to %NULL when the error was caught
 *
 * Catches an error that a function may have set in @error. Any thread, one at a time.
 *
 * Returns: %FALSE if the error passes no filter, and so stays in @error
 */
gboolean
ferry_error_list_take (FerryErrorList *self, const char *phase, GError **error)
{
  g_return_val_if_fail (FERRY_IS_ERROR_LIST (self), FALSE);
  g_return_val_if_fail (error != NULL, FALSE);

  if (*error == NULL)
    return TRUE;
  if (!ferry_error_list_add (self, phase, *error))
    return FALSE;
  g_clear_error (error);
  return TRUE;
}

static gboolean
check_variant (GVariant *variant, GError **error)
{
  gboolean is_list = g_variant_is_of_type (variant, G_VARIANT_TYPE (LIST_VARIANT_TYPE));

  if (!is_list)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                 "A list of errors must be of type %s, and not %s; make the value with ferry_error_list_to_variant()",
                 LIST_VARIANT_TYPE, g_variant_get_type_string (variant));
  else if (g_variant_n_children (variant) > MAX_SENT + 1)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                 "The value has %" G_GSIZE_FORMAT " errors, and the limit is %u; make the value with "
                 "ferry_error_list_to_variant()",
                 g_variant_n_children (variant), MAX_SENT);
  return is_list && g_variant_n_children (variant) <= MAX_SENT + 1;
}

/**
 * ferry_error_list_add_variant:
 * @self: a list
 * @variant: a value that [method@FerryClassic.ErrorList.to_variant] made in another process; a floating reference is
 * sunk
 * @error: return location for an error
 *
 * Catches all errors of another process's list, with their phases and traces. Any thread, one at a time.
 *
 * If errors pass no filter, fails with the first of these errors, after all other errors were caught. Fails with
 * %FERRY_ERROR_BAD_ARGUMENTS if the value is not a list of errors. Fails with %FERRY_ERROR_TOO_LARGE if it has more
 * errors than [method@FerryClassic.ErrorList.to_variant] writes. In these two cases no error is caught.
 *
 * Returns: %TRUE if all errors were caught
 */
gboolean
ferry_error_list_add_variant (FerryErrorList *self, GVariant *variant, GError **error)
{
  g_autoptr (GVariant) sunk = NULL;
  g_autoptr (GError) uncaught = NULL;
  GVariantIter iter;
  const char *phase;
  GVariant *value;

  g_return_val_if_fail (FERRY_IS_ERROR_LIST (self), FALSE);
  g_return_val_if_fail (variant != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  sunk = g_variant_ref_sink (variant);
  if (!check_variant (sunk, error))
    return FALSE;
  g_variant_iter_init (&iter, sunk);
  while (g_variant_iter_loop (&iter, "(&s@" ERROR_VARIANT_TYPE ")", &phase, &value))
    {
      g_autofree char *trace = NULL;
      g_autoptr (GError) caught = ferry_error_from_variant (value, &trace);

      if (passes (self, caught))
        append (self, phase, g_steal_pointer (&caught), trace);
      else if (uncaught == NULL)
        uncaught = g_steal_pointer (&caught);
    }
  if (uncaught == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&uncaught));
  return FALSE;
}

/* Returns (transfer floating) the error as ferry_error_from_variant() takes it. trace (nullable). */
static GVariant *
to_variant (const GError *error, const char *trace)
{
  g_autofree char *message = g_utf8_make_valid (error->message, -1);
  g_autofree char *valid_trace = g_utf8_make_valid (trace != NULL ? trace : "", -1);

  return g_variant_new (ERROR_VARIANT_TYPE, g_quark_to_string (error->domain), error->code, message, valid_trace, NULL);
}

/**
 * ferry_error_list_to_variant:
 * @self: a list
 *
 * Gets the list as a value of the type `a(s(sissas))`. A worker's function can return this value as its result.
 *
 * The value has at most 1,024 errors of the list. If the list has more, one further error with the code
 * %FERRY_ERROR_TOO_LARGE says how many were left out. Any thread, one at a time.
 *
 * Returns: (transfer none): a floating value
 */
GVariant *
ferry_error_list_to_variant (FerryErrorList *self)
{
  GVariantBuilder builder;

  g_return_val_if_fail (FERRY_IS_ERROR_LIST (self), NULL);

  g_variant_builder_init (&builder, G_VARIANT_TYPE (LIST_VARIANT_TYPE));
  for (guint i = 0; i < self->records->len && i < MAX_SENT; i++)
    {
      const FerryErrorRecord *record = g_ptr_array_index (self->records, i);
      g_autofree char *phase = g_utf8_make_valid (record->phase, -1);

      g_variant_builder_add (&builder, "(s@" ERROR_VARIANT_TYPE ")", phase, to_variant (record->error, record->trace));
    }
  if (self->records->len > MAX_SENT)
    {
      g_autoptr (GError) rest =
        g_error_new (FERRY_ERROR, FERRY_ERROR_TOO_LARGE, "%u further errors were left out; clear the list more often",
                     self->records->len - MAX_SENT);

      g_variant_builder_add (&builder, "(s@" ERROR_VARIANT_TYPE ")", "", to_variant (rest, NULL));
    }
  return g_variant_builder_end (&builder);
}

/**
 * ferry_error_list_raise_any:
 * @self: a list
 * @phase: (nullable): the phase of the errors; %NULL for all phases, and empty for the errors without a phase alone
 * @error: return location for an error
 *
 * Fails with a copy of the last error of @phase, if the list has one. The first error, of which the later ones may be
 * consequences, is that of [method@FerryClassic.ErrorList.get_first]. The list does not change. Any thread, one at a
 * time.
 *
 * Returns: %TRUE without such an error
 */
gboolean
ferry_error_list_raise_any (FerryErrorList *self, const char *phase, GError **error)
{
  const FerryErrorRecord *last = NULL;
  g_autoptr (GVariant) value = NULL;

  g_return_val_if_fail (FERRY_IS_ERROR_LIST (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  for (guint i = self->records->len; i > 0 && last == NULL; i--)
    if (is_of_phase (self->records->pdata[i - 1], phase))
      last = self->records->pdata[i - 1];
  if (last == NULL)
    return TRUE;
  /* A copy would not have the trace: it is the value that brings it. */
  value = last->trace != NULL ? g_variant_ref_sink (to_variant (last->error, last->trace)) : NULL;
  g_propagate_error (error, value != NULL ? ferry_error_from_variant (value, NULL) : g_error_copy (last->error));
  return FALSE;
}

/**
 * ferry_error_list_get_first:
 * @self: a list
 * @phase: (nullable): the phase of the errors; %NULL for all phases
 *
 * Gets the error of @phase that was caught first. Any thread, one at a time.
 *
 * Returns: (transfer none) (nullable): the error's record, which the list owns; %NULL if there is none
 */
FerryErrorRecord *
ferry_error_list_get_first (FerryErrorList *self, const char *phase)
{
  g_return_val_if_fail (FERRY_IS_ERROR_LIST (self), NULL);

  for (guint i = 0; i < self->records->len; i++)
    if (is_of_phase (g_ptr_array_index (self->records, i), phase))
      return g_ptr_array_index (self->records, i);
  return NULL;
}

/**
 * ferry_error_list_clear:
 * @self: a list
 * @phase: (nullable): the phase of the errors that are removed; %NULL for all phases
 *
 * Removes the errors of @phase from the list. The filters stay. Any thread, one at a time.
 */
void
ferry_error_list_clear (FerryErrorList *self, const char *phase)
{
  g_return_if_fail (FERRY_IS_ERROR_LIST (self));

  /* Removes records from the end of the list, with one signal for each run of neighbours. Handlers may change the list,
   * so the position is limited to the present length each time. */
  for (guint end = self->records->len; end > 0; end = MIN (end, self->records->len))
    {
      guint n_run = 0;

      while (n_run < end && is_of_phase (g_ptr_array_index (self->records, end - 1 - n_run), phase))
        n_run++;
      end -= MAX (n_run, 1);
      if (n_run == 0)
        continue;
      g_ptr_array_remove_range (self->records, end, n_run);
      g_list_model_items_changed (G_LIST_MODEL (self), end, n_run, 0);
    }
}
