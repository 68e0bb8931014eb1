/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Serves the plate that is heated, and its log, to the application that started the process. Between requests it
 * computes.
 *
 * Threads: one, in which everything is done. */

#include <ferry-objects.h>
#include <stdlib.h>

#include "app/ferry-demo-message.h"
#include "app/worker-jobs.h"
#include "object/ferry-demo-heat.h"

/* A call waits at most this long, in microseconds, for steps that are under way. */
#define BUDGET 4000

static void
reset_func (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  ferry_demo_heat_reset (object);
  ferry_invocation_return_value (invocation, NULL);
}

static void
add_source_func (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  guint x, y;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(" FERRY_DEMO_HEAT_ADD_SOURCE_ARGUMENTS ")", &x, &y);
  if (ferry_demo_heat_add_source (object, x, y, &error))
    ferry_invocation_return_value (invocation, NULL);
  else
    ferry_invocation_return_error (invocation, error);
}

static void
step_func (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  guint n_steps;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(" FERRY_DEMO_HEAT_STEP_ARGUMENTS ")", &n_steps);
  if (n_steps > FERRY_DEMO_HEAT_MAX_STEPS)
    {
      ferry_invocation_return_new_error (invocation, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                                         "%u steps are too many for a call; ask for %d at a time", n_steps,
                                         FERRY_DEMO_HEAT_MAX_STEPS);
      return;
    }
  ferry_demo_heat_step (object, n_steps);
  ferry_invocation_return_value (invocation, NULL);
}

static void
render_func (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  double black, white;
  g_autoptr (GBytes) pixels = ferry_demo_heat_render (object, &black, &white);
  GVariant *bytes = g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, pixels, /* trusted: */ TRUE);

  ferry_invocation_return_value (invocation,
                                 g_variant_new ("((uuus)dd@ay)", FERRY_DEMO_HEAT_WIDTH, FERRY_DEMO_HEAT_HEIGHT,
                                                3 * FERRY_DEMO_HEAT_WIDTH, "r8g8b8", black, white, bytes));
}

/* What is listed can be done with the object by others, and nothing else. */
static FerryInterface *
create_heat_interface (void)
{
  static const char *const settings[] = {"running", "conductivity", "source-power", "speed"};
  static const char *const figures[] = {"time", "mean-temperature", "max-temperature", "steps", "n-sources"};
  FerryInterface *interface = ferry_interface_new ("org.ferryproject.Demo.Heat", FERRY_DEMO_TYPE_HEAT);

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    ferry_interface_add_property (interface, settings[i],
                                  G_DBUS_PROPERTY_INFO_FLAGS_READABLE | G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE);
  for (guint i = 0; i < G_N_ELEMENTS (figures); i++)
    ferry_interface_add_property (interface, figures[i], G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  ferry_interface_add_method (interface, FERRY_DEMO_HEAT_RESET, "", "", reset_func, NULL, NULL);
  ferry_interface_add_method (interface, FERRY_DEMO_HEAT_ADD_SOURCE, FERRY_DEMO_HEAT_ADD_SOURCE_ARGUMENTS, "",
                              add_source_func, NULL, NULL);
  ferry_interface_add_method (interface, FERRY_DEMO_HEAT_STEP, FERRY_DEMO_HEAT_STEP_ARGUMENTS, "", step_func, NULL,
                              NULL);
  ferry_interface_add_method (interface, FERRY_DEMO_HEAT_RENDER, "", FERRY_DEMO_HEAT_RENDER_RESULT, render_func, NULL,
                              NULL);
  return interface;
}

static GVariant *
note_to_row (GObject *note, gpointer user_data, GError **error)
{
  return g_variant_ref (ferry_demo_heat_get_row (note));
}

static gboolean
initialise (FerryExporter *exporter, gpointer heat, GError **error)
{
  g_autoptr (FerryInterface) heat_interface = create_heat_interface ();
  g_autoptr (FerryInterface) log_interface = ferry_interface_new ("org.ferryproject.Demo.Log", G_TYPE_LIST_STORE);
  GObject *notes = G_OBJECT (ferry_demo_heat_get_notes (heat));

  ferry_interface_set_list (log_interface, note_to_row, NULL, NULL);
  return ferry_exporter_export (exporter, FERRY_DEMO_HEAT_OBJECT, heat, heat_interface, FERRY_CALL_POLICY_SERIAL,
                                error) &&
         ferry_exporter_export (exporter, FERRY_DEMO_LOG_OBJECT, notes, log_interface, FERRY_CALL_POLICY_SERIAL, error);
}

static gint64
turn (FerryExporter *exporter, gpointer heat)
{
  return ferry_demo_heat_advance (heat, g_get_monotonic_time (), BUDGET);
}

int
worker_heat (void)
{
  const FerryObjectServerFuncs funcs = {.initialise = initialise, .turn = turn};
  g_autoptr (FerryDemoHeat) heat = ferry_demo_heat_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport (FERRY_DEMO_HEAT_TRANSPORT, &error);

  if (transport != NULL && ferry_serve_objects (transport, &funcs, heat, &error))
    return EXIT_SUCCESS;
  g_printerr ("ferry-demo-worker: %s.\n", error->message);
  return EXIT_FAILURE;
}
