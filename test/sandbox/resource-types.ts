/** One resource of every type of the schemas, by address, in HCL. Used to show that each type goes through its life. */
export const EVERY_TYPE = `
resource "digitalocean_kubernetes_node_pool" "x" {
  cluster_id = digitalocean_kubernetes_cluster.it.id
  name       = "work"
  size       = "s-2vcpu-4gb"
  auto_scale = true
  min_nodes  = 1
  max_nodes  = 3
  tags       = ["b", "a"]
  labels     = { role = "work" }
  taint {
    key    = "dedicated"
    value  = "work"
    effect = "NoSchedule"
  }
}
resource "digitalocean_vpc" "x" {
  name   = "network"
  region = "nyc3"
}
resource "digitalocean_project" "x" {
  name        = "project"
  environment = "staging"
}
resource "digitalocean_project_resources" "x" {
  project   = digitalocean_project.x.id
  resources = [digitalocean_kubernetes_cluster.it.urn, digitalocean_domain.x.urn, digitalocean_spaces_bucket.x.urn]
}
resource "digitalocean_domain" "x" {
  name       = "example.com"
  ip_address = "203.0.113.7"
}
resource "digitalocean_record" "x" {
  domain = digitalocean_domain.x.name
  type   = "CNAME"
  name   = "www"
  value  = "@"
}
resource "digitalocean_spaces_bucket" "x" {
  name = "a-bucket"
  versioning {
    enabled = true
  }
  lifecycle_rule {
    enabled = true
    noncurrent_version_expiration {
      days = 30
    }
  }
}
resource "digitalocean_spaces_key" "x" {
  name = "state"
  grant {
    bucket     = digitalocean_spaces_bucket.x.name
    permission = "readwrite"
  }
}
resource "digitalocean_certificate" "x" {
  name    = "tls"
  type    = "lets_encrypt"
  domains = ["example.com"]
}
resource "digitalocean_container_registry" "x" {
  name                   = "images"
  subscription_tier_slug = "basic"
}
resource "digitalocean_firewall" "x" {
  name = "nodes"
  tags = ["k8s"]
  inbound_rule {
    protocol         = "tcp"
    port_range       = "443"
    source_addresses = ["0.0.0.0/0", "::/0"]
  }
  outbound_rule {
    protocol              = "icmp"
    destination_addresses = ["0.0.0.0/0"]
  }
}
resource "digitalocean_loadbalancer" "x" {
  name   = "front"
  region = "nyc3"
  forwarding_rule {
    entry_port      = 80
    entry_protocol  = "http"
    target_port     = 30080
    target_protocol = "http"
  }
  healthcheck {
    port     = 30080
    protocol = "tcp"
  }
}
resource "digitalocean_monitor_alert" "x" {
  description = "Busy nodes"
  type    = "v1/insights/droplet/cpu"
  compare = "GreaterThan"
  value   = 80
  window  = "5m"
  alerts {
    email = ["ops@example.com"]
  }
}
resource "digitalocean_reserved_ip" "x" {
  region = "nyc3"
}
resource "digitalocean_tag" "x" {
  name = "staging"
}
resource "digitalocean_uptime_check" "x" {
  name   = "site"
  target = "https://example.com"
}
resource "digitalocean_uptime_alert" "x" {
  check_id = digitalocean_uptime_check.x.id
  name     = "down"
  type     = "down"
  period   = "2m"
  notifications {
    email = ["ops@example.com"]
  }
}

resource "kubernetes_namespace_v1" "x" {
  metadata {
    name   = "flux-system"
    labels = { "pod-security.kubernetes.io/enforce" = "restricted" }
  }
  lifecycle {
    ignore_changes = [metadata[0].labels, metadata[0].annotations]
  }
}
resource "kubernetes_config_map_v1" "x" {
  metadata {
    name      = "infrastructure-config"
    namespace = kubernetes_namespace_v1.x.metadata[0].name
    labels    = { "reconcile.fluxcd.io/watch" = "Enabled" }
  }
  data        = { "values.yaml" = "size: $\${size}\\n" }
  binary_data = { "logo.bin" = "AAEC" }
  # The keys of kubernetes_config_map_v1_data belong to it.
  lifecycle {
    ignore_changes = [data]
  }
}
resource "kubernetes_config_map_v1_data" "x" {
  metadata {
    name      = kubernetes_config_map_v1.x.metadata[0].name
    namespace = kubernetes_config_map_v1.x.metadata[0].namespace
  }
  data = { "extra" = "1" }
}
resource "kubernetes_secret_v1" "x" {
  metadata {
    name      = "sops-age"
    namespace = kubernetes_namespace_v1.x.metadata[0].name
  }
  data        = { "key" = "text" }
  binary_data = { "blob" = "AAEC" }
}
resource "kubernetes_labels" "x" {
  api_version = "v1"
  kind        = "Namespace"
  metadata {
    name = kubernetes_namespace_v1.x.metadata[0].name
  }
  labels        = { "team" = "platform" }
  field_manager = "labels"
}
resource "kubernetes_annotations" "x" {
  api_version = "v1"
  kind        = "Namespace"
  metadata {
    name = kubernetes_namespace_v1.x.metadata[0].name
  }
  annotations   = { "example.com/contact" = "ops" }
  field_manager = "annotations"
}
resource "kubernetes_service_account_v1" "x" {
  metadata {
    name      = "deployer"
    namespace = kubernetes_namespace_v1.x.metadata[0].name
  }
  image_pull_secret {
    name = kubernetes_secret_v1.x.metadata[0].name
  }
}
resource "kubernetes_cluster_role_binding_v1" "x" {
  metadata {
    name = "deployer"
  }
  role_ref {
    api_group = "rbac.authorization.k8s.io"
    kind      = "ClusterRole"
    name      = "view"
  }
  subject {
    kind      = "ServiceAccount"
    name      = kubernetes_service_account_v1.x.metadata[0].name
    namespace = kubernetes_namespace_v1.x.metadata[0].name
  }
}
resource "kubernetes_limit_range_v1" "x" {
  metadata {
    name      = "defaults"
    namespace = kubernetes_namespace_v1.x.metadata[0].name
  }
  spec {
    limit {
      type    = "Container"
      default = { cpu = "500m" }
    }
  }
}
resource "kubernetes_resource_quota_v1" "x" {
  metadata {
    name      = "quota"
    namespace = kubernetes_namespace_v1.x.metadata[0].name
  }
  spec {
    hard = { pods = "10" }
  }
}
resource "kubernetes_priority_class_v1" "x" {
  metadata {
    name = "important"
  }
  value = 100
}
resource "kubernetes_storage_class_v1" "x" {
  metadata {
    name = "fast"
  }
  storage_provisioner = "dobs.csi.digitalocean.com"
}
resource "kubernetes_network_policy_v1" "x" {
  metadata {
    name      = "default-deny"
    namespace = kubernetes_namespace_v1.x.metadata[0].name
  }
  spec {
    pod_selector {}
    policy_types = ["Ingress", "Egress"]
    ingress {
      from {
        namespace_selector {
          match_labels = { team = "platform" }
        }
      }
      ports {
        port = "80"
      }
    }
  }
}
resource "kubernetes_job_v1" "x" {
  metadata {
    name      = "migrate"
    namespace = kubernetes_namespace_v1.x.metadata[0].name
  }
  spec {
    template {
      metadata {}
      spec {
        container {
          name    = "migrate"
          image   = "example.com/migrate:1.0.0"
          command = ["migrate"]
          env {
            name  = "LEVEL"
            value = "info"
          }
          resources {
            requests = { cpu = "100m" }
          }
        }
        restart_policy = "Never"
      }
    }
  }
  wait_for_completion = false
}

resource "github_repository_environment" "x" {
  repository  = "app"
  environment = "staging"
  reviewers {
    users = [1]
  }
  deployment_branch_policy {
    protected_branches     = false
    custom_branch_policies = true
  }
}
resource "github_repository_environment_deployment_policy" "x" {
  repository     = "app"
  environment    = github_repository_environment.x.environment
  branch_pattern = "main"
}
resource "github_actions_secret" "x" {
  repository      = "app"
  secret_name     = "TOKEN"
  plaintext_value = "not to be stored"
}
resource "github_dependabot_secret" "x" {
  repository      = "app"
  secret_name     = "TOKEN"
  plaintext_value = "not to be stored"
}
resource "github_actions_environment_secret" "x" {
  repository      = "app"
  environment     = github_repository_environment.x.environment
  secret_name     = "TOKEN"
  plaintext_value = "not to be stored"
}
resource "github_actions_variable" "x" {
  repository    = "app"
  variable_name = "CLUSTER"
  value         = digitalocean_kubernetes_cluster.it.id
}
resource "github_actions_environment_variable" "x" {
  repository    = "app"
  environment   = github_repository_environment.x.environment
  variable_name = "REGION"
  value         = "nyc3"
}
resource "github_repository_deploy_key" "x" {
  repository = "app"
  title      = "flux"
  key        = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5bMBhuyQZdXG6qgZ0mFgO8QXvpvG4nQPp7wF3h1xVn flux"
}
resource "github_repository_webhook" "x" {
  repository = "app"
  events     = ["push", "ping"]
  configuration {
    url          = "https://flux.example.com/hook"
    content_type = "json"
    secret       = "not to be stored"
  }
}
resource "github_branch_protection" "x" {
  repository_id = data.github_repository.x.node_id
  pattern       = "main"
  required_status_checks {
    strict   = true
    contexts = ["check"]
  }
}
resource "github_issue_label" "x" {
  repository = "app"
  name       = "bug"
  color      = "ff0000"
}
resource "github_repository_file" "x" {
  repository = "app"
  file       = "README.md"
  content    = "# app"
}
resource "github_repository_ruleset" "x" {
  repository  = "app"
  name        = "main"
  target      = "branch"
  enforcement = "active"
  conditions {
    ref_name {
      include = ["~DEFAULT_BRANCH"]
      exclude = []
    }
  }
  rules {
    deletion = true
    required_status_checks {
      required_check {
        context = "check"
      }
    }
  }
}

resource "null_resource" "x" {
  triggers = { a = "1" }
}
`;

/** Every data source of the schemas. */
export const EVERY_DATA_SOURCE = `
data "digitalocean_account" "x" {}
data "digitalocean_project" "x" {}
data "digitalocean_domain" "x" {
  name = digitalocean_domain.x.name
}
data "digitalocean_kubernetes_versions" "x" {
  version_prefix = "1.33."
}
data "digitalocean_region" "x" {
  slug = "nyc3"
}
data "digitalocean_sizes" "x" {
  filter {
    key    = "slug"
    values = ["s-2vcpu-4gb"]
  }
}
data "digitalocean_vpc" "x" {
  id = digitalocean_vpc.x.id
}
data "kubernetes_config_map_v1" "x" {
  metadata {
    name      = kubernetes_config_map_v1.x.metadata[0].name
    namespace = "flux-system"
  }
}
data "kubernetes_namespace_v1" "x" {
  metadata {
    name = kubernetes_namespace_v1.x.metadata[0].name
  }
}
data "kubernetes_secret_v1" "x" {
  metadata {
    name      = kubernetes_secret_v1.x.metadata[0].name
    namespace = "flux-system"
  }
}
data "kubernetes_nodes" "x" {
  depends_on = [kubernetes_namespace_v1.x]
}
data "kubernetes_server_version" "x" {
  depends_on = [kubernetes_namespace_v1.x]
}
data "github_repository" "x" {
  name = "app"
}
data "github_user" "x" {
  username = ""
}
data "github_team" "x" {
  slug = "platform"
}
data "github_actions_public_key" "x" {
  repository = "app"
}
data "github_branch" "x" {
  repository = "app"
  branch     = "main"
}
data "null_data_source" "x" {
  inputs = { a = "1" }
}
`;
