# The providers that the bindings in package.json are made for. Written by: npm run lock-providers
terraform {
  required_providers {
    digitalocean = {
      source  = "digitalocean/digitalocean"
      version = "2.71.0"
    }
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = "2.38.0"
    }
    null = {
      source  = "hashicorp/null"
      version = "3.2.4"
    }
    github = {
      source  = "integrations/github"
      version = "6.9.0"
    }
  }
}
