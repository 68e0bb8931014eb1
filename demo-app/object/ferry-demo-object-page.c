/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Widgets are bound to the replica, which is the same for all workers, and is there from the first start on. The
 * bindings hang on a group until then.
 *
 * A picture is asked for when a frame begins and the plate has changed. While one is on its way no other is asked for,
 * so a worker that is slow costs frames and nothing more. A plate that stands still leaves the frame clock alone. */

#include "object/ferry-demo-object-page.h"

#include "app/ferry-demo-format.h"
#include "app/ferry-demo-message.h"
#include "object/ferry-demo-heat-field.h"
#include "object/ferry-demo-heat-words.h"
#include "object/ferry-demo-log-factory.h"
#include "object/ferry-demo-plate.h"

#define NO_FIGURE "–"
#define SINGLE_STEPS 100u

/* Microseconds over which pictures are counted. */
#define RATE_TIME (G_USEC_PER_SEC / 2)

struct _FerryDemoObjectPage
{
  GtkWidget parent_instance;

  FerryDemoObject *object;
  GBindingGroup *bindings;
  FerryDemoHeatReplica *replica; /* that widgets are bound to */
  GtkNoSelection *log_model;

  guint tick_callback;
  gboolean stale;     /* the picture, which is older than the plate */
  gboolean rendering; /* a picture is on its way */
  guint n_pictures;
  guint n_pictures_before; /* when the counting began, which was then */
  gint64 counted_since;

  GtkWidget *content;
  GtkWidget *info_bar;
  GtkWidget *info_label;
  GtkWidget *failed_label;
  FerryDemoPlate *plate;
  GtkWidget *empty_box;
  GtkWidget *spinner;
  GtkWidget *empty_label;
  GtkWidget *black_label;
  GtkWidget *white_label;
  GtkWidget *start_button;
  GtkWidget *controls;
  GtkWidget *running_switch;
  GtkWidget *speed_label;
  GtkWidget *power_label;
  GtkWidget *conductivity_label;
  GtkWidget *conductivity_scale;
  GtkWidget *power_scale;
  GtkWidget *speed_scale;
  GtkAdjustment *conductivity_adjustment;
  GtkAdjustment *power_adjustment;
  GtkAdjustment *speed_adjustment;
  GtkWidget *time_label;
  GtkWidget *steps_label;
  GtkWidget *mean_label;
  GtkWidget *max_label;
  GtkWidget *sources_label;
  GtkWidget *rate_label;
  GtkWidget *log_list;
  GtkWidget *log_placeholder;
  GtkWidget *state_label;
};

G_DEFINE_FINAL_TYPE (FerryDemoObjectPage, ferry_demo_object_page, GTK_TYPE_WIDGET)

static gboolean
is_live (FerryDemoObjectPage *self)
{
  return self->object != NULL && ferry_demo_object_get_state (self->object) == FERRY_DEMO_OBJECT_STATE_LIVE;
}

static void
take_label (GtkWidget *label, char *text)
{
  gtk_label_set_text (GTK_LABEL (label), text);
  g_free (text);
}

static void
show_info (FerryDemoObjectPage *self, GtkMessageType type, const char *text)
{
  gtk_info_bar_set_message_type (GTK_INFO_BAR (self->info_bar), type);
  gtk_label_set_text (GTK_LABEL (self->info_label), text);
  gtk_info_bar_set_revealed (GTK_INFO_BAR (self->info_bar), TRUE);
}

static void
refused_cb (FerryDemoObjectPage *self, const char *text)
{
  show_info (self, GTK_MESSAGE_WARNING, text);
}

static void
close_info_cb (GtkInfoBar *info_bar)
{
  gtk_info_bar_set_revealed (info_bar, FALSE);
}

/* ---- calls ---- */

/* What a call that was lost with its worker failed with is said together with the end of that. */
static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (FerryDemoObjectPage) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = ferry_demo_object_call_finish (FERRY_DEMO_OBJECT (source), result, &error);

  if (value == NULL && is_live (self))
    show_info (self, GTK_MESSAGE_WARNING, error->message);
}

static void
call (FerryDemoObjectPage *self, const char *method, GVariant *arguments)
{
  if (is_live (self))
    ferry_demo_object_call_async (self->object, method, arguments, called_cb, g_object_ref (self));
  else if (arguments != NULL)
    g_variant_unref (g_variant_ref_sink (arguments));
}

static void
start_or_stop (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoObjectPage *self = FERRY_DEMO_OBJECT_PAGE (widget);
  gboolean running = gtk_switch_get_active (GTK_SWITCH (self->running_switch));

  call (self, running ? FERRY_DEMO_HEAT_STOP : FERRY_DEMO_HEAT_START, NULL);
}

static void
step (GtkWidget *widget, const char *action, GVariant *parameter)
{
  call (FERRY_DEMO_OBJECT_PAGE (widget), FERRY_DEMO_HEAT_STEP, g_variant_new ("(u)", SINGLE_STEPS));
}

static void
reset (GtkWidget *widget, const char *action, GVariant *parameter)
{
  call (FERRY_DEMO_OBJECT_PAGE (widget), FERRY_DEMO_HEAT_RESET, NULL);
}

static void
add_source_at (FerryDemoObjectPage *self, guint x, guint y)
{
  call (self, FERRY_DEMO_HEAT_ADD_SOURCE, g_variant_new ("(uu)", x, y));
}

static void
add_source (GtkWidget *widget, const char *action, GVariant *parameter)
{
  add_source_at (FERRY_DEMO_OBJECT_PAGE (widget), (guint) g_random_int_range (0, FERRY_DEMO_HEAT_WIDTH),
                 (guint) g_random_int_range (0, FERRY_DEMO_HEAT_HEIGHT));
}

static void
kill_worker (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ferry_demo_object_kill (FERRY_DEMO_OBJECT_PAGE (widget)->object);
}

static void
restart (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ferry_demo_object_start (FERRY_DEMO_OBJECT_PAGE (widget)->object);
}

/* ---- pictures ---- */

static void
show_picture (FerryDemoObjectPage *self, GVariant *value)
{
  g_autoptr (GVariant) bytes = NULL;
  g_autoptr (GBytes) pixels = NULL;
  double black, white;
  guint width, height;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE ("(" FERRY_DEMO_HEAT_RENDER_RESULT ")")))
    return;
  g_variant_get (value, "(uudd@ay)", &width, &height, &black, &white, &bytes);
  pixels = g_variant_get_data_as_bytes (bytes);
  if (!ferry_demo_plate_show (self->plate, width, height, pixels))
    return;

  self->n_pictures++;
  gtk_widget_set_visible (self->empty_box, FALSE);
  take_label (self->black_label, g_strdup_printf ("%.0f °C", black));
  take_label (self->white_label, g_strdup_printf ("%.0f °C", white));
}

static void
rendered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (FerryDemoObjectPage) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = ferry_demo_object_call_finish (FERRY_DEMO_OBJECT (source), result, &error);

  self->rendering = FALSE;
  if (self->object == NULL)
    return;
  if (value != NULL)
    show_picture (self, value);
  else if (is_live (self))
    show_info (self, GTK_MESSAGE_WARNING, error->message);
}

static void
count_pictures (FerryDemoObjectPage *self, gint64 now)
{
  gint64 time = now - self->counted_since;

  if (time < RATE_TIME)
    return;
  take_label (self->rate_label, g_strdup_printf ("%.0f/s", (double) (self->n_pictures - self->n_pictures_before) *
                                                             G_USEC_PER_SEC / (double) time));
  self->n_pictures_before = self->n_pictures;
  self->counted_since = now;
}

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *frame_clock, gpointer user_data)
{
  FerryDemoObjectPage *self = FERRY_DEMO_OBJECT_PAGE (widget);

  count_pictures (self, gdk_frame_clock_get_frame_time (frame_clock));
  if (self->rendering)
    return G_SOURCE_CONTINUE;
  if (is_live (self) && self->stale)
    {
      self->stale = FALSE;
      self->rendering = TRUE;
      ferry_demo_object_call_async (self->object, FERRY_DEMO_HEAT_RENDER, NULL, rendered_cb, g_object_ref (self));
      return G_SOURCE_CONTINUE;
    }
  if (is_live (self) && gtk_switch_get_active (GTK_SWITCH (self->running_switch)))
    return G_SOURCE_CONTINUE;

  self->tick_callback = 0;
  gtk_label_set_text (GTK_LABEL (self->rate_label), NO_FIGURE);
  return G_SOURCE_REMOVE;
}

static void
want_picture (FerryDemoObjectPage *self)
{
  self->stale = TRUE;
  if (self->tick_callback != 0 || !is_live (self) || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  self->n_pictures_before = self->n_pictures;
  self->counted_since = g_get_monotonic_time ();
  self->tick_callback = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick_cb, NULL, NULL);
}

static void
stop_ticking (FerryDemoObjectPage *self)
{
  if (self->tick_callback != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->tick_callback);
  self->tick_callback = 0;
}

/* ---- what is bound to the replica ---- */

static void
bind_all (FerryDemoObjectPage *self)
{
  GBindingFlags both = G_BINDING_SYNC_CREATE | G_BINDING_BIDIRECTIONAL;
  const struct
  {
    const char *property;
    GtkWidget *label;
    GBindingTransformFunc func;
  } figures[] = {
    {"time", self->time_label, ferry_demo_heat_to_seconds},
    {"steps", self->steps_label, ferry_demo_heat_to_count},
    {"mean-temperature", self->mean_label, ferry_demo_heat_to_degrees},
    {"max-temperature", self->max_label, ferry_demo_heat_to_degrees},
    {"n-sources", self->sources_label, ferry_demo_heat_to_count},
    {"running", self->start_button, ferry_demo_heat_to_verb},
  };

  self->bindings = g_binding_group_new ();
  g_binding_group_bind (self->bindings, "running", self->running_switch, "active", both);
  g_binding_group_bind (self->bindings, "conductivity", self->conductivity_adjustment, "value", both);
  g_binding_group_bind (self->bindings, "source-power", self->power_adjustment, "value", both);
  g_binding_group_bind (self->bindings, "speed", self->speed_adjustment, "value", both);
  for (guint i = 0; i < G_N_ELEMENTS (figures); i++)
    g_binding_group_bind_full (self->bindings, figures[i].property, figures[i].label, "label", G_BINDING_SYNC_CREATE,
                               figures[i].func, NULL, NULL, NULL);
}

static void
show_setting (GtkWidget *label, GtkWidget *scale, const char *unit)
{
  g_autofree char *text = g_strdup_printf ("%.0f %s", gtk_range_get_value (GTK_RANGE (scale)), unit);

  gtk_label_set_text (GTK_LABEL (label), text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (scale), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, text, -1);
}

static void
show_settings (FerryDemoObjectPage *self)
{
  show_setting (self->conductivity_label, self->conductivity_scale, "W/(m·K)");
  show_setting (self->power_label, self->power_scale, "W");
  show_setting (self->speed_label, self->speed_scale, "steps/s");
}

/* The limits are those of the properties. */
static void
set_limits (FerryDemoObjectPage *self)
{
  const struct
  {
    const char *property;
    GtkWidget *scale;
  } settings[] = {
    {"conductivity", self->conductivity_scale},
    {"source-power", self->power_scale},
    {"speed", self->speed_scale},
  };
  g_autoptr (GTypeClass) klass = g_type_class_ref (FERRY_DEMO_TYPE_HEAT_REPLICA);

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      GParamSpecDouble *pspec =
        G_PARAM_SPEC_DOUBLE (g_object_class_find_property (G_OBJECT_CLASS (klass), settings[i].property));
      GtkRange *range = GTK_RANGE (settings[i].scale);

      gtk_range_set_range (range, pspec->minimum, pspec->maximum);
      gtk_range_set_value (range, pspec->default_value);
      gtk_range_set_round_digits (range, 0);
      g_signal_connect_object (range, "value-changed", G_CALLBACK (show_settings), self, G_CONNECT_SWAPPED);
    }
  show_settings (self);
}

/* A log that shows its end keeps showing its end when lines are added. */
static void
log_changed_cb (FerryDemoObjectPage *self, guint position, guint n_removed, guint n_added)
{
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->log_model));

  gtk_widget_set_visible (self->log_placeholder, n_items == 0);
  if (n_added > 0 && position + n_added == n_items)
    gtk_widget_activate_action (self->log_list, "list.scroll-to-item", "u", n_items - 1);
}

/* Of a worker that was lost the figures and the log stay to be read, until there is another one. */
static void
follow_replica (FerryDemoObjectPage *self)
{
  FerryDemoHeatReplica *replica = ferry_demo_object_get_replica (self->object);

  if (replica == self->replica || replica == NULL)
    return;
  g_set_object (&self->replica, replica);
  g_binding_group_set_source (self->bindings, replica);
  g_signal_connect_object (replica, "notify", G_CALLBACK (want_picture), self, G_CONNECT_SWAPPED);
  gtk_no_selection_set_model (self->log_model, ferry_demo_object_get_log (self->object));
}

/* ---- states ---- */

static void
show_state (FerryDemoObjectPage *self)
{
  FerryDemoObjectState state = ferry_demo_object_get_state (self->object);

  switch (state)
    {
    case FERRY_DEMO_OBJECT_STATE_LIVE:
      take_label (self->state_label,
                  g_strdup_printf ("Live in process %d", (int) ferry_demo_object_get_pid (self->object)));
      break;
    case FERRY_DEMO_OBJECT_STATE_LOST:
      gtk_label_set_text (GTK_LABEL (self->state_label), "Lost");
      break;
    case FERRY_DEMO_OBJECT_STATE_OFF:
      gtk_label_set_text (GTK_LABEL (self->state_label), "Off");
      break;
    case FERRY_DEMO_OBJECT_STATE_CONNECTING:
    default:
      gtk_label_set_text (GTK_LABEL (self->state_label), "Connecting…");
      break;
    }
}

static void
show_loss (FerryDemoObjectPage *self)
{
  guint n_failed = ferry_demo_object_get_n_failed (self->object);
  g_autofree char *calls = ferry_demo_format_counted (n_failed, "call", "calls");
  const char *reason = ferry_demo_object_get_reason (self->object);

  show_info (self, GTK_MESSAGE_ERROR, reason);
  gtk_widget_set_visible (self->failed_label, n_failed > 0);
  if (n_failed > 0)
    take_label (self->failed_label,
                g_strdup_printf ("%s failed: %s", calls, ferry_demo_object_get_failure (self->object)));
  gtk_label_set_text (GTK_LABEL (self->empty_label), "There is no worker");
}

static void
changed_cb (FerryDemoObjectPage *self)
{
  FerryDemoObjectState state = ferry_demo_object_get_state (self->object);
  gboolean live = state == FERRY_DEMO_OBJECT_STATE_LIVE;
  gboolean connecting = state == FERRY_DEMO_OBJECT_STATE_CONNECTING;
  static const char *const actions[] = {"object.start-or-stop", "object.step", "object.reset", "object.add-source"};

  follow_replica (self);
  show_state (self);
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    gtk_widget_action_set_enabled (GTK_WIDGET (self), actions[i], live);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "object.kill", live || connecting);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "object.restart", !live && !connecting);
  gtk_widget_set_sensitive (self->controls, live);
  gtk_widget_set_sensitive (GTK_WIDGET (self->plate), live);
  gtk_spinner_set_spinning (GTK_SPINNER (self->spinner), connecting);
  gtk_widget_set_visible (self->spinner, connecting);
  if (connecting)
    {
      gtk_info_bar_set_revealed (GTK_INFO_BAR (self->info_bar), FALSE);
      gtk_widget_hide (self->failed_label);
      gtk_label_set_text (GTK_LABEL (self->empty_label), "Connecting…");
    }
  if (state == FERRY_DEMO_OBJECT_STATE_LOST)
    show_loss (self);
  if (live)
    want_picture (self);
}

/* ---- the page itself ---- */

static void
ferry_demo_object_page_map (GtkWidget *widget)
{
  FerryDemoObjectPage *self = FERRY_DEMO_OBJECT_PAGE (widget);

  GTK_WIDGET_CLASS (ferry_demo_object_page_parent_class)->map (widget);
  if (self->object == NULL)
    return;
  if (ferry_demo_object_get_state (self->object) == FERRY_DEMO_OBJECT_STATE_OFF)
    ferry_demo_object_start (self->object);
  want_picture (self);
}

static void
ferry_demo_object_page_unmap (GtkWidget *widget)
{
  stop_ticking (FERRY_DEMO_OBJECT_PAGE (widget));
  GTK_WIDGET_CLASS (ferry_demo_object_page_parent_class)->unmap (widget);
}

static void
ferry_demo_object_page_dispose (GObject *object)
{
  FerryDemoObjectPage *self = FERRY_DEMO_OBJECT_PAGE (object);

  stop_ticking (self);
  if (self->object != NULL)
    g_signal_handlers_disconnect_by_data (self->object, self);
  if (self->replica != NULL)
    g_signal_handlers_disconnect_by_data (self->replica, self);
  g_clear_object (&self->replica);
  g_clear_object (&self->bindings);
  g_clear_object (&self->log_model);
  g_clear_object (&self->object);
  g_clear_pointer (&self->content, gtk_widget_unparent);
  G_OBJECT_CLASS (ferry_demo_object_page_parent_class)->dispose (object);
}

static void
install_actions (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "object.start-or-stop", NULL, start_or_stop);
  gtk_widget_class_install_action (widget_class, "object.step", NULL, step);
  gtk_widget_class_install_action (widget_class, "object.reset", NULL, reset);
  gtk_widget_class_install_action (widget_class, "object.add-source", NULL, add_source);
  gtk_widget_class_install_action (widget_class, "object.kill", NULL, kill_worker);
  gtk_widget_class_install_action (widget_class, "object.restart", NULL, restart);
}

#define BIND(name) gtk_widget_class_bind_template_child (widget_class, FerryDemoObjectPage, name)

static void
bind_template (GtkWidgetClass *widget_class)
{
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-object-page.ui");
  BIND (content);
  BIND (info_bar);
  BIND (info_label);
  BIND (failed_label);
  BIND (plate);
  BIND (empty_box);
  BIND (spinner);
  BIND (empty_label);
  BIND (black_label);
  BIND (white_label);
  BIND (start_button);
  BIND (controls);
  BIND (running_switch);
  BIND (speed_label);
  BIND (power_label);
  BIND (conductivity_label);
  BIND (conductivity_scale);
  BIND (power_scale);
  BIND (speed_scale);
  BIND (conductivity_adjustment);
  BIND (power_adjustment);
  BIND (speed_adjustment);
  BIND (time_label);
  BIND (steps_label);
  BIND (mean_label);
  BIND (max_label);
  BIND (sources_label);
  BIND (rate_label);
  BIND (log_list);
  BIND (log_placeholder);
  BIND (state_label);
}

static void
ferry_demo_object_page_class_init (FerryDemoObjectPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_object_page_dispose;
  widget_class->map = ferry_demo_object_page_map;
  widget_class->unmap = ferry_demo_object_page_unmap;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);

  g_type_ensure (FERRY_DEMO_TYPE_PLATE);
  bind_template (widget_class);
  install_actions (widget_class);
}

static void
ferry_demo_object_page_init (FerryDemoObjectPage *self)
{
  g_autoptr (GtkListItemFactory) factory = ferry_demo_log_factory_new ();

  gtk_widget_init_template (GTK_WIDGET (self));
  set_limits (self);
  bind_all (self);
  self->log_model = gtk_no_selection_new (NULL);
  gtk_list_view_set_factory (GTK_LIST_VIEW (self->log_list), factory);
  gtk_list_view_set_model (GTK_LIST_VIEW (self->log_list), GTK_SELECTION_MODEL (self->log_model));
  g_signal_connect_object (self->log_model, "items-changed", G_CALLBACK (log_changed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->plate, "place-chosen", G_CALLBACK (add_source_at), self, G_CONNECT_SWAPPED);
  g_signal_connect (self->info_bar, "response", G_CALLBACK (close_info_cb), NULL);
}

void
ferry_demo_object_page_set_object (FerryDemoObjectPage *self, FerryDemoObject *object)
{
  g_return_if_fail (self->object == NULL);

  self->object = g_object_ref (object);
  g_signal_connect_object (object, "changed", G_CALLBACK (changed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (object, "refused", G_CALLBACK (refused_cb), self, G_CONNECT_SWAPPED);
  changed_cb (self);
}

/* Of all workers. */
guint
ferry_demo_object_page_get_n_pictures (FerryDemoObjectPage *self)
{
  return self->n_pictures;
}
