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
#include "object/ferry-demo-note.h"

/* A call waits at most this long, in microseconds, for steps that are under way. */
#define BUDGET 4000

static void
start_func (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  ferry_demo_heat_start (object);
  ferry_invocation_return_value (invocation, NULL);
}

static void
stop_func (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  ferry_demo_heat_stop (object);
  ferry_invocation_return_value (invocation, NULL);
}

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

  ferry_invocation_return_value (
    invocation, g_variant_new ("(uudd@ay)", FERRY_DEMO_HEAT_WIDTH, FERRY_DEMO_HEAT_HEIGHT, black, white,
                               g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, pixels, /* trusted: */ TRUE)));
}

static FerryInterface *
create_heat_interface (void)
{
  FerryInterface *interface = ferry_interface_new ("org.ferryproject.Demo.Heat", FERRY_DEMO_TYPE_HEAT);

  ferry_interface_add_all (interface);
  ferry_interface_add_method (interface, FERRY_DEMO_HEAT_START, "", "", start_func, NULL, NULL);
  ferry_interface_add_method (interface, FERRY_DEMO_HEAT_STOP, "", "", stop_func, NULL, NULL);
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
note_to_row (gpointer item, gpointer user_data)
{
  return g_variant_new (FERRY_DEMO_LOG_ROW_TYPE, ferry_demo_note_get_time (item), ferry_demo_note_get_text (item));
}

static FerryInterface *
create_log_interface (void)
{
  FerryInterface *interface = ferry_interface_new ("org.ferryproject.Demo.Log", G_TYPE_LIST_STORE);

  ferry_interface_set_list (interface, note_to_row, NULL, NULL);
  return interface;
}

static gboolean
initialise (FerryExporter *exporter, gpointer user_data, GError **error)
{
  g_autoptr (FerryInterface) heat_interface = create_heat_interface ();
  g_autoptr (FerryInterface) log_interface = create_log_interface ();
  FerryDemoHeat *heat = user_data;
  GObject *notes = G_OBJECT (ferry_demo_heat_get_notes (heat));

  return ferry_exporter_export (exporter, FERRY_DEMO_HEAT_OBJECT, G_OBJECT (heat), heat_interface,
                                FERRY_CALL_POLICY_SERIAL, error) &&
         ferry_exporter_export (exporter, FERRY_DEMO_LOG_OBJECT, notes, log_interface, FERRY_CALL_POLICY_SERIAL, error);
}

static gint64
turn (FerryExporter *exporter, gpointer user_data)
{
  return ferry_demo_heat_advance (user_data, g_get_monotonic_time (), BUDGET);
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
