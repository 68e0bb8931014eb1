/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/ferry-error-record-private.h"

#include "base/ferry-property-private.h"

/**
 * FerryErrorRecord:
 *
 * An error in a [class@Ferry.ErrorList], with its phase and its trace. It never changes, so any thread may use it.
 *
 * Since: 0.1
 */
struct _FerryErrorRecord
{
  GObject parent_instance;

  GError *error; /* const, as all that follows */
  char *phase;
  char *trace; /* (nullable) */
};

enum
{
  PROP_ERROR = 1,
  PROP_PHASE,
  PROP_TRACE,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

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
  static const GCallback getters[N_PROPERTIES] = {
    [PROP_ERROR] = G_CALLBACK (ferry_error_record_get_error),
    [PROP_PHASE] = G_CALLBACK (ferry_error_record_get_phase),
    [PROP_TRACE] = G_CALLBACK (ferry_error_record_get_trace),
  };

  ferry_property_get (object, getters[property_id], value);
}

static void
ferry_error_record_class_init (FerryErrorRecordClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = ferry_error_record_finalize;
  object_class->get_property = ferry_error_record_get_property;
  /**
   * FerryErrorRecord:error:
   *
   * The error.
   *
   * Since: 0.1
   */
  properties[PROP_ERROR] =
    g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryErrorRecord:phase:
   *
   * The phase of the work, such as “init”, “work” or “cleanup”; empty when none was given.
   *
   * Since: 0.1
   */
  properties[PROP_PHASE] = g_param_spec_string ("phase", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryErrorRecord:trace:
   *
   * The trace of the error: a line for each place, the innermost first. %NULL when it is not known.
   *
   * Since: 0.1
   */
  properties[PROP_TRACE] = g_param_spec_string ("trace", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_error_record_init (FerryErrorRecord *self)
{
}

FerryErrorRecord *
ferry_error_record_new (const char *phase, GError *error, const char *trace)
{
  FerryErrorRecord *self = g_object_new (FERRY_TYPE_ERROR_RECORD, NULL);

  self->error = error;
  self->phase = g_strdup (phase != NULL ? phase : "");
  self->trace = g_strdup (trace);
  return self;
}

/**
 * ferry_error_record_get_error:
 * @self: a record
 *
 * The error. Any thread may call this.
 *
 * Returns: (transfer none): the error
 *
 * Since: 0.1
 */
const GError *
ferry_error_record_get_error (FerryErrorRecord *self)
{
  g_return_val_if_fail (FERRY_IS_ERROR_RECORD (self), NULL);

  return self->error;
}

/**
 * ferry_error_record_get_phase:
 * @self: a record
 *
 * The phase of the work that the error occurred in. Any thread may call this.
 *
 * Returns: (transfer none): the phase; empty when none was given
 *
 * Since: 0.1
 */
const char *
ferry_error_record_get_phase (FerryErrorRecord *self)
{
  g_return_val_if_fail (FERRY_IS_ERROR_RECORD (self), NULL);

  return self->phase;
}

/**
 * ferry_error_record_get_trace:
 * @self: a record
 *
 * The trace of the error: a line for each place, the innermost first. Any thread may call this.
 *
 * Returns: (transfer none) (nullable): the trace, or %NULL when it is not known
 *
 * Since: 0.1
 */
const char *
ferry_error_record_get_trace (FerryErrorRecord *self)
{
  g_return_val_if_fail (FERRY_IS_ERROR_RECORD (self), NULL);

  return self->trace;
}
