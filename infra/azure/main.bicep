// What Driftline needs in Azure, in one resource group:
//
//   az deployment group create --resource-group <group> --template-file infra/azure/main.bicep
//
// Nothing here has a key: the app reaches storage and Event Hubs as a user-assigned identity, and both refuse keys
// from anybody. The one exception is said where it stands (telemetry).

targetScope = 'resourceGroup'

@description('Begins the name of every resource: lower-case letters and digits, because storage accounts take nothing else.')
@minLength(3)
@maxLength(9)
param name string = 'driftline'

@description('Where it runs. Flex Consumption is not in every region: az functionapp list-flexconsumption-locations.')
param location string = resourceGroup().location

@description('ZRS, so that what was acknowledged survives the loss of a data centre; LRS where the region has only one.')
@allowed([
  'Standard_ZRS'
  'Standard_LRS'
])
param storageSku string = 'Standard_ZRS'

@description('How many instances may run at once. Partitions bound capture; the rest serves requests.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Partitions of the hub: capture runs at most once per partition. A Standard hub keeps the number for life.')
@minValue(1)
@maxValue(32)
param partitions int = 4

@description('When hours are sealed, as six fields: second minute hour day month weekday, in UTC.')
param sealSchedule string = '0 */5 * * * *'

@description('When the spool is drained.')
param drainSchedule string = '15 * * * * *'

@description('When the account is drawn up.')
param accountSchedule string = '0 10 * * * *'

@description('When actuals are joined to their predictions.')
param joinSchedule string = '45 */5 * * * *'

@description('When windows are compared with their baselines.')
param monitorSchedule string = '0 20 * * * *'

@description('When it is decided whether a retrain pays.')
param decideSchedule string = '0 40 * * * *'

@description('When the datasets that were asked for are built on.')
param datasetsSchedule string = '50 * * * * *'

@description('When waiting alerts are posted.')
param deliverSchedule string = '30 * * * * *'

@description('What private features are hashed with: 32 bytes or more in base64. Needed as soon as a version hashes any, and the same as where it was registered.')
@secure()
param privacyKey string = ''

@description('Addresses that alerts are posted to, parted by blanks. Secure, because such an address is often its own password.')
@secure()
param webhooks string = ''

@description('Signs what is posted: whsec_ and 24 to 64 bytes in base64. Needed as soon as there are webhooks.')
@secure()
param webhookSecret string = ''

// names of storage accounts, hub namespaces and apps are world-wide; the suffix is the same at every deployment
var suffix = uniqueString(resourceGroup().id)
var hubName = 'driftline'
var consumerGroupName = 'capture'
var deploymentContainerName = 'deployment'
var containerNames = [
  'captures'
  'models'
  'monitoring'
  'datasets'
  deploymentContainerName
]

// The app's identity. User-assigned, so that it exists before the app and keeps its roles when the app is made anew.

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-identity'
  location: location
}

// Storage: everything that is kept.

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: '${name}${suffix}'
  location: location
  kind: 'StorageV2'
  sku: {
    name: storageSku
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: storage
  name: 'default'
  properties: {
    // a way back from a mistaken delete; longer would keep what erasure has to remove
    deleteRetentionPolicy: {
      enabled: true
      days: 7
    }
  }
}

// the first part of every path the app writes, and the package that Flex Consumption runs
resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = [for container in containerNames: {
  parent: blobs
  name: container
  properties: {
    publicAccess: 'None'
  }
}]

// Event Hubs: between answering and keeping.

resource events 'Microsoft.EventHub/namespaces@2024-01-01' = {
  name: '${name}-events-${suffix}'
  location: location
  sku: {
    // Basic has no consumer groups of one's own and keeps events for a day only
    name: 'Standard'
    tier: 'Standard'
    capacity: 1
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    // a burst costs money for an hour and not predictions; the bound keeps a runaway caller from costing more
    isAutoInflateEnabled: true
    maximumThroughputUnits: 4
  }
}

resource hub 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = {
  parent: events
  name: hubName
  properties: {
    partitionCount: partitions
    // the longest that Standard has: capture may stand still for a week, and reads gaps again from the hub
    retentionDescription: {
      cleanupPolicy: 'Delete'
      retentionTimeInHours: 168
    }
  }
}

// a group of its own: other readers of the hub then cannot take capture's partitions away
resource consumerGroup 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2024-01-01' = {
  parent: hub
  name: consumerGroupName
}

// Telemetry.

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: '${name}-logs'
  location: location
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    // as long as Application Insights keeps its tables at no extra charge
    retentionInDays: 90
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: '${name}-insights'
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    // Telemetry is sent with the instrumentation key, which can write and never read. With local authentication off
    // the sender would need tokens, and the role Monitoring Metrics Publisher.
    DisableLocalAuth: false
  }
}

// The app.

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: '${name}-plan'
  location: location
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    // Linux, the only system there is for Python
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: '${name}-${suffix}'
  location: location
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${deploymentContainerName}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstanceCount
        // onnxruntime, pyarrow and a sealed hour in memory at once; 512 has no room for them
        instanceMemoryMB: 2048
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      appSettings: [
        // the Functions host's own storage: leases, timer status, checkpoints
        { name: 'AzureWebJobsStorage__accountName', value: storage.name }
        { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
        { name: 'AzureWebJobsStorage__clientId', value: identity.properties.clientId }
        { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: insights.properties.ConnectionString }
        { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
        { name: 'STORAGE', value: storage.properties.primaryEndpoints.blob }
        { name: 'EVENTS__fullyQualifiedNamespace', value: '${events.name}.servicebus.windows.net' }
        { name: 'EVENTS__credential', value: 'managedidentity' }
        { name: 'EVENTS__clientId', value: identity.properties.clientId }
        { name: 'EVENTS_HUB', value: hubName }
        { name: 'EVENTS_CONSUMER_GROUP', value: consumerGroupName }
        { name: 'SEAL_SCHEDULE', value: sealSchedule }
        { name: 'DRAIN_SCHEDULE', value: drainSchedule }
        { name: 'ACCOUNT_SCHEDULE', value: accountSchedule }
        { name: 'JOIN_SCHEDULE', value: joinSchedule }
        { name: 'MONITOR_SCHEDULE', value: monitorSchedule }
        { name: 'DECIDE_SCHEDULE', value: decideSchedule }
        { name: 'DATASETS_SCHEDULE', value: datasetsSchedule }
        { name: 'DELIVER_SCHEDULE', value: deliverSchedule }
        { name: 'PRIVACY_KEY', value: privacyKey }
        { name: 'WEBHOOKS', value: webhooks }
        { name: 'WEBHOOK_SECRET', value: webhookSecret }
      ]
    }
  }
  dependsOn: [
    // an app that starts before these are there fails until its next start
    containers
    consumerGroup
    ownsBlobs
    sendsEvents
    receivesEvents
  ]
}

// What the identity may do: nothing more than this.

// Owner and not Contributor, because that is what the Functions host asks of AzureWebJobsStorage by identity. It also
// covers the deployment container and the app's own containers. There is no role for tables: the host then does
// without its diagnostic events, and says so in one warning (AZFD0003).
var storageBlobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var eventHubsDataSender = '2b629674-e913-4c01-ae53-ef4638d8f975'
var eventHubsDataReceiver = 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'

resource ownsBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, identity.id, storageBlobDataOwner)
  scope: storage
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataOwner)
  }
}

// score and actuals publish
resource sendsEvents 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, identity.id, eventHubsDataSender)
  scope: hub
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', eventHubsDataSender)
  }
}

// capture reads, seal asks how far the hub has got, the scale controller how much waits
resource receivesEvents 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, identity.id, eventHubsDataReceiver)
  scope: hub
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', eventHubsDataReceiver)
  }
}

@description('For func azure functionapp publish.')
output functionAppName string = app.name

@description('Where requests go.')
output hostname string = app.properties.defaultHostName
